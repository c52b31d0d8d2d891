"""How a supporter is asked to confirm: the code, once more, a day later, and after it was late."""
