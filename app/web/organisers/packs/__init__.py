"""Alerts as zip files: out of here, and in as drafts."""
