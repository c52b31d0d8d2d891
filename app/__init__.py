"""Send One Email: supporters write to governments, and see what became of each letter."""
