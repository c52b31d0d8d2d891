"""Contact files: what people keep their addresses in, read into rows and written again."""
