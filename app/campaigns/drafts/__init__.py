"""An alert while it is written: saved part by part, shown as it would look, published whole."""
