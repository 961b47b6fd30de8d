"""What a run tells on standard error."""

from __future__ import annotations

import sys

from fpsolve.progress import Progress

#: bytes that are worth another line
_WORTH_TELLING = 100_000_000


class Shown:
    """A progress bar over the time of a run."""

    def __init__(self, wanted: bool | None, begin: float, end: float) -> None:
        self._wanted, self._bar = wanted, Progress() if wanted is not False else None
        self._begin, self._duration, self._name, self._told = begin, end - begin, "solving", 0

    def tell(self, name: str) -> None:
        """What is under way."""
        self._name = name

    def larger(self, needed: int) -> bool:
        """Whether so many bytes are much more than were told before."""
        if self._told and needed < 2 * self._told + _WORTH_TELLING:
            return False
        self._told = needed
        return True

    def say(self, message: str) -> None:
        """One line on standard error, where progress is asked for, or shown on a terminal."""
        there = sys.stderr is not None
        if there and (self._wanted or (self._wanted is None and sys.stderr.isatty())):
            print(f"fpsolve: {message}", file=sys.stderr, flush=True)

    def __call__(self, t: float) -> None:
        if self._bar is not None:
            self._bar(self._name, round(100.0 * (t - self._begin) / self._duration), 100)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
