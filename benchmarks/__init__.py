"""Measurements, each by one command; none of them is a test."""
