"""What is well and what is not before letters leave, in sentences."""
