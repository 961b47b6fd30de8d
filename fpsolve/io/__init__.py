"""Files: case files in, results in and out. The home of TOML and NetCDF."""

from fpsolve.io.case_files import blame, read, read_case
from fpsolve.io.datasets import load, on_snapshots, save, write
from fpsolve.io.outputs import check_file, check_folder, staged, staged_folder
from fpsolve.io.problem_files import blame_problem, read_problem
from fpsolve.io.store import Store

__all__ = [
    "Store",
    "blame",
    "blame_problem",
    "check_file",
    "check_folder",
    "load",
    "on_snapshots",
    "read",
    "read_case",
    "read_problem",
    "save",
    "staged",
    "staged_folder",
    "write",
]
