"""Experiments that come with the package: the paper's, and what ``verify`` runs beside them."""

from fpsolve.experiments.builtin import LEVELS, PURPOSES, verify_cases, verify_problems
from fpsolve.experiments.paper_1d import SCHEDULES, STARTS, paper_cases
from fpsolve.experiments.published import PUBLISHED_ETA, PUBLISHED_SOURCE
from fpsolve.experiments.statements import STATEMENTS, Statement
from fpsolve.experiments.verification import Equality, Verification, verify

__all__ = [
    "LEVELS",
    "PUBLISHED_ETA",
    "PUBLISHED_SOURCE",
    "PURPOSES",
    "SCHEDULES",
    "STARTS",
    "STATEMENTS",
    "Equality",
    "Statement",
    "Verification",
    "paper_cases",
    "verify",
    "verify_cases",
    "verify_problems",
]
