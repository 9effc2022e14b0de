"""What a number of messages a second takes: measured, simulated, and worked out."""
