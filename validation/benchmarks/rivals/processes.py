"""Run a measurement alone in a process: one thread, a time limit, and the interpreter that its package needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def interpreter(peer: str) -> str:
    """This one, unless FPSOLVE_PYTHON_<PEER> names another."""
    return os.environ.get(f"FPSOLVE_PYTHON_{peer.upper()}", sys.executable)


def alone(command: str, arguments: Any, peer: str, limit: float, **more: str) -> dict[str, Any]:
    """What ``python -m validation.benchmarks.rivals.COMMAND JSON`` prints; a row with ``why`` where it fails."""
    environment = os.environ | dict.fromkeys(THREADS, "1") | more
    line = [interpreter(peer), "-W", "ignore", "-m", f"validation.benchmarks.rivals.{command}", json.dumps(arguments)]
    options: Any = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "timeout": limit}
    try:
        done = subprocess.run(line, check=False, **options)
    except subprocess.TimeoutExpired:
        return {"why": f"not done within {limit:.0f} seconds"}
    except OSError as error:
        return {"why": f"its interpreter does not start: {error}"}
    if done.returncode:
        return {"why": (done.stderr.strip() or f"ended with status {done.returncode}").splitlines()[-1][:160]}
    return json.loads(done.stdout.splitlines()[-1])
