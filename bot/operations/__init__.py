"""The operators' actions: train, cancel, list, promote, roll back, reload. Knows no platform."""
