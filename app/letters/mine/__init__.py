"""What a person can do from the page of their letters."""
