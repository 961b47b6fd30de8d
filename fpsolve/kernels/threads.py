"""How many threads the parallel kernels may use."""

import numba


def limit_threads(count: int) -> None:
    """Let parallel kernels use at most ``count`` threads (and no more than the machine has)."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
