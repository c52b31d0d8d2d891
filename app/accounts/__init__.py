"""WHO: the organisers and their sign-ins."""
