"""The text of letters and notices, rendered when it is shown and again when it is sent."""
