"""The tests of the sentences."""
