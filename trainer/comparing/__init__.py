"""Base models and training loops side by side, under one recipe."""
