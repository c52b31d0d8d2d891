"""An alert's life at the desk: where it stands, what comes next, and who agrees."""
