"""The tests of what operators may do."""
