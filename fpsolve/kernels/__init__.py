"""Compiled kernels: functions of arrays and floats, and the only home of numba."""
