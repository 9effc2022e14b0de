"""Where reviews come from: sets, files, the hub, and the texts that ship with this project."""
