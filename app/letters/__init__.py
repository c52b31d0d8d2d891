"""WHAT is said: a supporter's form becomes letters, held until they confirm."""
