"""What the pages look like: files, and the one colour."""
