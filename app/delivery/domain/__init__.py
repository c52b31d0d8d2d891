"""What the name system says of the domain our letters come from."""
