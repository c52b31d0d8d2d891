"""A country moves from stage to stage: where its steps are written, and what becomes of letters
that wait and ask for what was asked before."""
