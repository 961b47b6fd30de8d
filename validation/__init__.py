"""Claims of fpsolve, each with a command that checks it."""
