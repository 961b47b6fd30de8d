"""What the command line accepts."""

from __future__ import annotations

import argparse
from typing import NoReturn

from fpsolve import __version__
from fpsolve.cli import commands, scheduling, solving
from fpsolve.settings import InputError


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like those about any other bad input."""

    def error(self, message: str) -> NoReturn:
        """Raise in place of printing the usage."""
        raise InputError(self.prog, f"{message}; see '{self.prog} --help'")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(
        prog="fpsolve",
        description="Fokker-Planck equations and speed-accuracy relations, every number with an error bar.",
        epilog="Exit status: 0 nothing violated, 1 a relation is violated, 2 bad input, 3 could not be computed, "
        "130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"fpsolve {__version__}")
    family = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="name")
    _verify(_command(family, "verify", commands.verify, "check every relation on every built-in case"))
    _run(_command(family, "run", commands.run, "one speed-accuracy experiment"))
    _converge(_command(family, "converge", commands.converge, "the same case on finer and finer grids"))
    _solve(_command(family, "solve", solving.solve, "a Fokker-Planck problem with a named force"))
    _schedule(_command(family, "schedule", scheduling.schedule, "what a noise schedule costs, and the best one"))
    _plot(_command(family, "plot", commands.plot, "figures of a saved result"))
    _json(_command(family, "schemes", commands.schemes, "fluxes and steppers with their claims"))
    _new(_command(family, "new", commands.new, "print a commented template"))
    return parser


def _command(family: argparse._SubParsersAction[Parser], name: str, action: commands.Command, text: str) -> Parser:
    command = family.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
    command.set_defaults(action=action)
    command.add_argument("--overwrite", action="store_true", help="replace existing outputs")
    command.add_argument("--threads", metavar="N", type=_count, help="use at most N threads")
    command.add_argument("--strict", action="store_true", help="exit status 1 if a relation is undecided")
    return command


def _json(command: Parser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object in place of tables")


def _verify(command: Parser) -> None:
    command.add_argument("--level", choices=("quick", "full"), default="quick", help="how many cases (default: quick)")
    command.add_argument("--out", metavar="DIR", help="write report.html, figures and NetCDF files there")
    _json(command)


def _run(command: Parser) -> None:
    command.add_argument("case", metavar="CASE.toml|RESULT.nc", help="a case file, or a result to repeat")
    command.add_argument("--out", metavar="RESULT.nc", help="write the result there")
    command.add_argument("--figure", metavar="FIG.png|.pdf", help="draw the result there")
    _json(command)


def _converge(command: Parser) -> None:
    command.add_argument("case", metavar="CASE.toml", help="a case file")
    command.add_argument("--levels", metavar="N", type=_count, default=4, help="how many grids (default: 4)")
    _json(command)


def _solve(command: Parser) -> None:
    command.add_argument("problem", metavar="PROBLEM.toml|RESULT.nc", help="a problem file, or a solution to repeat")
    command.add_argument("--out", metavar="R.nc", help="stream to R.nc.part, which becomes R.nc at the end")
    command.add_argument("--resume", action="store_true", help="go on from R.nc.part, if it is there")
    _json(command)


def _schedule(command: Parser) -> None:
    command.add_argument("case", metavar="CASE.toml", help="a case file; [start] is not needed")
    _json(command)


def _plot(command: Parser) -> None:
    command.add_argument("result", metavar="RESULT.nc", help="what 'run --out' or 'solve --out' wrote")
    command.add_argument("--out", metavar="FIG", help="the figure, .png or .pdf (default: RESULT.png)")


def _new(command: Parser) -> None:
    command.add_argument("what", choices=("case", "problem"), help="which template")


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"given {text!r}; expected a whole number from 1")
    return count
