"""Exponentials of arithmetic alone, so that loops over them become vectors."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.kernels.compiled import compiled

LOG2E, LN2_HIGH, LN2_LOW = math.log2(math.e), 6.93147180369123816490e-01, 1.90821492927058770002e-10
#: adding it leaves the nearest integer in the last bits
ROUND = 6755399441055744.0
C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1.0 / math.factorial(n) for n in range(2, 14))
D1, D2, D3, D4, D5, D6, D7, D8, D9, D10, D11, D12 = (math.log(2.0) ** n / math.factorial(n) for n in range(1, 13))


@compiled(inline="always")
def exponential(x):
    """exp(x) for x <= 700, zero to 1e-304 below -700."""
    x = max(x, -700.0)
    shifted = x * LOG2E + ROUND
    power = shifted - ROUND
    r = (x - power * LN2_HIGH) - power * LN2_LOW
    tail = C7 + r * (C8 + r * (C9 + r * (C10 + r * (C11 + r * (C12 + r * C13)))))
    series = 1.0 + r * (1.0 + r * (C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * tail))))))
    bits = np.float64(series).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return np.int64(bits).view(np.float64)


@compiled(inline="always")
def power_of_two(x):
    """2**x for x <= 1000, zero to 1e-300 below -1000: less work than :func:`exponential`."""
    x = max(x, -1000.0)
    shifted = x + ROUND
    r = x - (shifted - ROUND)
    tail = D7 + r * (D8 + r * (D9 + r * (D10 + r * (D11 + r * D12))))
    series = 1.0 + r * (D1 + r * (D2 + r * (D3 + r * (D4 + r * (D5 + r * (D6 + r * tail))))))
    bits = np.float64(series).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return np.int64(bits).view(np.float64)
