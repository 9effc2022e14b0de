"""Sources of reviews: sets, files, the hub, and the texts that ship with this project."""
