"""One front end per platform: each translates between its platform and the concierge."""
