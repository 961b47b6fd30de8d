"""Settings of the documentation: ``sphinx-build docs docs/_build``."""

from importlib.util import find_spec
from pathlib import Path

import fpsolve

project = "fpsolve"
author = "The fpsolve developers"
copyright = f"2026, {author}"
version = release = fpsolve.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "description"
napoleon_google_docstring = False
exclude_patterns = ["_build"]
html_static_path = ["_static"]
html_title = "fpsolve"

examples = Path(__file__).resolve().parent.parent / "examples"
if any(examples.glob("*.py")) and find_spec("sphinx_gallery"):
    extensions.append("sphinx_gallery.gen_gallery")
    sphinx_gallery_conf = {
        "examples_dirs": str(examples),
        "gallery_dirs": "gallery",
        "filename_pattern": r"\.py$",
        "write_computation_times": False,
    }
