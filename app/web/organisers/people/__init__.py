"""People: who they are and what each may do, their ways in, and who did what."""
