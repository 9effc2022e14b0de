"""The tests of the conversation."""
