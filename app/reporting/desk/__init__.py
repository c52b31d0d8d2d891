"""The organisers' desk: what needs a person, and how each alert does. Costs no more with more
letters: everything is read from counts and from lists of what waits for people."""
