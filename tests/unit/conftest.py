"""Tests in the plane share a module, ``plane_moments``; pytest's importlib mode puts no folder of tests on the path."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = str(Path(__file__).resolve().parent)
if FOLDER not in sys.path:
    sys.path.append(FOLDER)
