"""The organisers' directory: offices and their addresses, and files of them, in and out."""
