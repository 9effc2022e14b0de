"""Judging on Ray Serve: the messages, the engine in the bot, the replicas, and their start."""
