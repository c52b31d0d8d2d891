"""What is wrong with a letter template, and what should be looked at: each at its line."""
