"""The service desk: what reaches a person, and the figures that staff see."""
