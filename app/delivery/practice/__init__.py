"""Letters that are tried out: no office is written to."""
