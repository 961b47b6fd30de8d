"""How many threads the parallel kernels and the linear algebra beneath them may use."""

import contextlib
from collections.abc import Iterator

import numba
import threadpoolctl


def limit_threads(count: int) -> None:
    """Let parallel kernels use at most ``count`` threads (and no more than the machine has)."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))


@contextlib.contextmanager
def serial_algebra() -> Iterator[None]:
    """Keep products of small matrices on one thread: others would spend more time waking up than working."""
    with threadpoolctl.threadpool_limits(limits=1, user_api="blas"):
        yield
