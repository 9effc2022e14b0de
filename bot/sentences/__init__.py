"""responses.yaml: the sentences that customers read."""
