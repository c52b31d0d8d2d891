"""The one command: `python -m app COMMAND`."""
