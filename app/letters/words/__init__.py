"""What supporters write themselves: refused kindly, kept as they wrote it, compared with others."""
