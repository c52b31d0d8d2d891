"""An alert as one zip file, so that a partner organisation can run it tomorrow."""
