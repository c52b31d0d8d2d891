"""What a returned message is made of: its parts, its reports, the signs of who wrote it."""
