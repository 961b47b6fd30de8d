"""Observed against declared orders of convergence."""
