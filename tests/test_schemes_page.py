"""The page on schemes says what the classes claim."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_tables_are_those_of_the_classes():
    spec = importlib.util.spec_from_file_location("make_schemes", ROOT / "docs" / "make_schemes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.PAGE.read_text(encoding="utf-8")
    assert module.filled(text) == text, "run 'python docs/make_schemes.py'"
    assert all(f"| `{kind}` |" in text for kind in ("fourth-order", "scharfetter-gummel", "sdirk4", "patankar"))
