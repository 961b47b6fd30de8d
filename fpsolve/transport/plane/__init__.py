"""Optimal transport between densities in the plane, on rectangles of equal cells."""

from fpsolve.transport.plane.beckmann import Beckmann, beckmann
from fpsolve.transport.plane.doors import transport_w1, transport_w2
from fpsolve.transport.plane.quadratic import QuadraticTransport, quadratic_transport

__all__ = ["Beckmann", "QuadraticTransport", "beckmann", "quadratic_transport", "transport_w1", "transport_w2"]
