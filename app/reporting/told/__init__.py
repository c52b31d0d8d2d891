"""What supporters told us, counted."""
