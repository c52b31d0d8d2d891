"""In which language a letter goes, and what an alert is called in the reader's."""
