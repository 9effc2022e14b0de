"""Compares base models and training loops under one recipe."""
