"""How fast it is: each figure as a ratio to a named peer measured in the same run."""
