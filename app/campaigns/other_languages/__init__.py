"""An alert's texts in other languages than English: as a file, as rows, and text by text."""
