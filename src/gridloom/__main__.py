"""``python -m gridloom``: the same as ``gridloom``."""

from gridloom.cli import main

main()
