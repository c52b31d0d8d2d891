"""What a measure stands on: databases, letters, other programs."""
