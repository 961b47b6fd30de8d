"""Standard output and standard error: one for results, the other for everything else."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import sys
from typing import Any

#: how signs are spelled on a console that cannot encode them
_PLAIN = {
    "η": "eta",
    "τ": "tau",
    "χ": "chi",
    "φ": "phi",
    "ν": "nu",
    "σ": "sigma",
    "∂": "d",
    "∫": "int ",
    "Ṡ": "S'",
    "′": "'",
    "±": "+/-",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "√": "sqrt",
    "·": "*",
    "×": "x",
    "–": "-",
    "—": "-",
    "−": "-",
    "∞": "inf",
    "⅓": "1/3",
    "₀": "0",
    "₁": "1",
    "₂": "2",
    "ₜ": "t",
    "²": "^2",
    "³": "^3",
    "Δ": "D",
    "̃": "~",
}


def _spelled(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(_PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def tolerant_output() -> None:
    """Let standard output spell the signs that its encoding lacks."""
    codecs.register_error("fpsolve.spelled", _spelled)
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sys.stdout.reconfigure(errors="fpsolve.spelled")  # type: ignore[union-attr]


def emit(text: str) -> None:
    """Print to standard output at once; a reader that went away is no error."""
    if sys.stdout is None:
        return
    try:
        print(text, flush=True)
    except OSError as error:
        # what stays in the buffer would fail once more when the interpreter ends
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def tell(message: str) -> None:
    """One line on standard error."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(" ".join(message.split()), file=sys.stderr, flush=True)


def as_json(content: dict[str, Any]) -> str:
    """JSON text without NaN or Infinity."""
    return json.dumps(content, indent=2, allow_nan=False)
