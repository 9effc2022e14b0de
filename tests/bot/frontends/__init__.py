"""The tests of the front ends."""
