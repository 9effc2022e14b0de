"""Conversations that every front end must get right, in YAML, and what plays them."""
