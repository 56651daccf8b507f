"""`python -m router` is the `pointsman` command."""

from router.cli import main

main()
