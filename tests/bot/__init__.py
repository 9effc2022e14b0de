"""The bot's tests, in the shape of its package."""
