"""`python -m app COMMAND`."""

from app.cli.program import main

main()
