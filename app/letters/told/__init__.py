"""What only supporters know and tell us, and how it is counted."""
