"""The outbox as an operator and the organisers see it."""
