"""The JSON door for an organisation's own programs, each call with an API token."""
