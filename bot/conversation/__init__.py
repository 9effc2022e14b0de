"""What customers write, and what they get: knows no platform."""
