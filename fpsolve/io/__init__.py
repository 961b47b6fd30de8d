"""Files: case files in, results in and out. The home of TOML and NetCDF."""

from fpsolve.io.case_files import blame, read, read_case
from fpsolve.io.datasets import load, on_snapshots, save, write
from fpsolve.io.outputs import check_file, check_folder, staged, staged_folder

__all__ = [
    "blame",
    "check_file",
    "check_folder",
    "load",
    "on_snapshots",
    "read",
    "read_case",
    "save",
    "staged",
    "staged_folder",
    "write",
]
