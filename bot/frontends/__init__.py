"""Where customers are: each front end translates between a place and the concierge."""
