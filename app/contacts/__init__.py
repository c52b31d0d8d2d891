"""WHOM: the offices that can be written to, and where their addresses come from."""
