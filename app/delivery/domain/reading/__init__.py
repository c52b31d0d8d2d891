"""Records as they are written: pure, and no text makes these raise."""
