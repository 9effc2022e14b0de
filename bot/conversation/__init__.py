"""Which kind of reply a message gets. Knows no platform."""
