"""Between decided and sent: letters puts in, delivery takes out, and neither knows the other."""
