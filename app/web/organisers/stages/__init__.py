"""Where each country stands, edited in one place, and what becomes of letters when it moves on."""
