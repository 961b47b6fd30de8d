"""Schedules of discrete-time diffusion models: betas, or their running product of alphas."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Self

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.arrays import Interpolant, brief
from fpsolve.schedules.base import Curve, Schedule, positive_tau
from fpsolve.settings import InputError, number, numbers, whole


@dataclasses.dataclass(frozen=True)
class DiscreteDiffusion(Schedule):
    """Schedule of a discrete-time model: m² = the running product of 1 - beta, sigma² = 1 - m², evenly spaced in time.

    Parameters
    ----------
    betas : sequence of float, optional
        Each in [0, 1).
    alphas_cumprod : sequence of float, optional
        The running product itself, each in (0, 1], not increasing. Exactly one of the two.
    tau : float
        Duration, s. The step before the first entry is the clean data at t = 0.

    Raises
    ------
    InputError
        Both or none of the arrays, numbers outside these ranges, or no noise at all.
    """

    kind: ClassVar[str] = "ddpm"
    betas: tuple[float, ...] | None = None
    alphas_cumprod: tuple[float, ...] | None = None
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)
        if (self.betas is None) == (self.alphas_cumprod is None):
            raise InputError("betas", "give exactly one of betas and alphas_cumprod")
        if self.betas is not None:
            betas = numbers("betas", self.betas, least=0.0)
            if max(betas) >= 1.0:
                raise InputError("betas", f"given {max(betas):g}; each must be in [0, 1)")
            object.__setattr__(self, "betas", betas)
            products = np.cumprod(1.0 - np.array(betas))
        else:
            products = self._given_products()
        if products[-1] == 1.0:
            raise InputError("betas" if self.betas is not None else "alphas_cumprod", "they add no noise at all")
        logs = np.concatenate([[0.0], np.log(products)])
        object.__setattr__(self, "_exponent", Interpolant(np.linspace(0.0, self.tau, logs.size), logs))

    def _given_products(self) -> Array:
        given = numbers("alphas_cumprod", self.alphas_cumprod, above=0.0)
        if max(given) > 1.0:
            raise InputError("alphas_cumprod", f"given {brief(given)}; give each in (0, 1]")
        if np.any(np.diff(given) > 0.0):
            raise InputError("alphas_cumprod", f"given {brief(given)}; they must not increase: clean data come first")
        object.__setattr__(self, "alphas_cumprod", given)
        return np.array(given)

    @classmethod
    def linear(cls, steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02, tau: float = 1.0) -> Self:
        """Betas that grow linearly, as in DDPM: about ``VariancePreserving`` with steps times these, over tau.

        Parameters
        ----------
        steps : int
            Number of betas.
        beta_start, beta_end : float
            The first and the last of them, in [0, 1).
        tau : float
            Duration, s.
        """
        first = number("beta_start", beta_start, least=0.0, below=1.0)
        last = number("beta_end", beta_end, least=0.0, below=1.0)
        return cls(betas=tuple(np.linspace(first, last, whole("steps", steps)).tolist()), tau=tau)

    @classmethod
    def squared_cosine(
        cls, steps: int = 1000, offset: float = 0.008, beta_max: float = 0.999, tau: float = 1.0
    ) -> Self:
        """The squared cosine of improved DDPM, cos²(pi/2 (u + offset)/(1 + offset)) over its value at u = 0.

        Parameters
        ----------
        steps : int
            Number of betas; u = k / steps after step k.
        offset : float
            Not negative; it keeps the first betas from being tiny.
        beta_max : float
            In (0, 1): the betas are cut there, as the last one is 1 otherwise.
        tau : float
            Duration, s.
        """
        shift, most = number("offset", offset, least=0.0), number("beta_max", beta_max, above=0.0, below=1.0)
        u = np.linspace(0.0, 1.0, whole("steps", steps) + 1)
        # sin of what is left of the right angle: exactly zero at the end
        level = np.sin(0.5 * np.pi * (1.0 - u) / (1.0 + shift)) ** 2
        return cls(betas=tuple(np.minimum(1.0 - level[1:] / level[:-1], most).tolist()), tau=tau)

    def curve(self, t: Array) -> Curve:
        exponent, rate = self._exponent(np.asarray(t, float))  # type: ignore[attr-defined]
        signal = np.exp(0.5 * exponent)
        return Curve(signal, 0.5 * rate * signal, -np.expm1(exponent), -0.5 * rate * signal**2)

    def kinks(self) -> Array:
        return self._exponent.kinks  # type: ignore[attr-defined]

    def knots(self) -> Array:
        return self._exponent.x[1:-1]  # type: ignore[attr-defined]
