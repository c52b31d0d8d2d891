"""Which server a message is handed to, and the dialogue with it."""
