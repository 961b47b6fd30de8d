"""The command line."""

from fpsolve.cli.entry import main

__all__ = ["main"]
