"""From arguments to an exit status; nothing is raised."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from fpsolve.cli.console import tell, tolerant_output
from fpsolve.cli.parser import build_parser
from fpsolve.settings import InputError

BAD_INPUT, NOT_COMPUTED, INTERRUPTED = 2, 3, 130
#: environment variable that lets an unexpected error end with a traceback
TRACEBACK = "FPSOLVE_TRACEBACK"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if absent.

    Returns
    -------
    int
        0 nothing violated, 1 a relation is violated, 2 bad input, 3 could not be computed, 130 interrupted.
    """
    tolerant_output()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            status = _dispatch(sys.argv[1:] if arguments is None else arguments)
    except InputError as error:
        tell(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        tell("fpsolve: interrupted")
        return INTERRUPTED
    except Exception as error:  # the contract: one line and status 3 whatever went wrong
        if os.environ.get(TRACEBACK):
            raise
        name = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
        tell(f"fpsolve: could not be computed: {name}: {error} ({TRACEBACK}=1 shows where)")
        return NOT_COMPUTED
    for text in dict.fromkeys(f"{entry.category.__name__}: {entry.message}" for entry in caught):
        tell(f"fpsolve: {text}")
    return status


def _dispatch(arguments: Sequence[str]) -> int:
    try:
        options = build_parser().parse_args(arguments)
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    if options.threads is not None:
        from fpsolve.kernels.threads import limit_threads

        limit_threads(options.threads)
    return options.action(options)
