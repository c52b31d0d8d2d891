"""The organisers' desk: dense, quiet, and what needs a person first."""
