"""The alert editor: its parts, its letters, and beside them what a supporter would see."""
