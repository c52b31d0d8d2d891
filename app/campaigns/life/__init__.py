"""An alert's life: tried out, checked, published, ended."""
