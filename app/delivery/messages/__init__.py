"""The RFC 5322 form of letters and notices."""
