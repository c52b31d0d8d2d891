"""`make demo`: the whole service on this machine, with a made-up alert."""
