"""What operators may do: train, cancel, list, promote, roll back, reload. Knows no platform."""
