"""The editor's pages of an alert's texts in other languages."""
