"""A progress bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
from typing import Any


class Progress:
    """A progress bar on standard error, on a terminal only."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are finished and ``name`` is under way."""
        if sys.stderr is None or not sys.stderr.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=total, file=sys.stderr, leave=False, bar_format="{desc} {bar} {n_fmt}/{total_fmt}")
        self._bar.set_description_str(name, refresh=False)
        self._bar.update(done - self._bar.n)
        self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
