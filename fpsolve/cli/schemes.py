"""The schemes and what they claim, from the classes themselves."""

from __future__ import annotations

from typing import Any

from fpsolve.fluxes import Flux
from fpsolve.results import table
from fpsolve.settings import Settings
from fpsolve.steppers import Stepper
from fpsolve.verification import ORDERS, SPECTRAL

#: routes of the estimated process -> what they are
ROUTES = {
    "exact": "composition of quantile functions, nothing integrated in time",
    "characteristics": "cell edges follow the flow, masses stay",
    "weno5": "flux weno5 with stepper ssp-rk3",
    "upwind": "flux upwind with stepper ssp-rk3",
}


#: an order that stands for no error at all
_EXACT = 100
#: claim -> the heading of its column
HEADINGS = {
    "advective_order": "at T = 0",
    "equilibrium_preserving": "equilibrium",
    "local_detailed_balance": "detailed balance",
    "local_temperature": "T(x, y)",
    "takes": "fluxes",
}


def schemes_table() -> dict[str, list[dict[str, Any]]]:
    """Fluxes, steppers and routes of the estimated process, each with its claims."""
    return {
        "fluxes": _claims(Flux),
        "steppers": _claims(Stepper),
        "estimated": [
            {"kind": kind, "order": ORDERS.get(kind, SPECTRAL), "description": text} for kind, text in ROUTES.items()
        ],
    }


def schemes_text() -> str:
    """The same as tables: the claims first, where each scheme comes from below."""
    return "\n\n".join(_block(title, rows) for title, rows in schemes_table().items())


def _block(title: str, rows: list[dict[str, Any]]) -> str:
    keys = [key for key in (rows[0] if rows else {"kind": ""}) if key != "reference"]
    header = [HEADINGS.get(key, key) for key in keys]
    lines = table(header, [[_claim(key, row.get(key)) for key in keys] for row in rows])
    references = table(("", ""), [(row["kind"], row["reference"]) for row in rows if row.get("reference")])[1:]
    return "\n".join([title, *(f"  {line}".rstrip() for line in [*lines, *(["", *references] if references else [])])])


def _claims(base: type[Settings]) -> list[dict[str, Any]]:
    """Kind and class attributes that the base of a family declares, of every registered member."""
    names = [name for name in base.__annotations__ if name != "family"]
    members = {kind: cls for (family, kind), cls in Settings.registry.items() if family == base.family}
    return [{"kind": kind} | {name: getattr(members[kind], name, None) for name in names} for kind in sorted(members)]


def _claim(key: str, value: Any) -> str:
    exact = key == "order" and isinstance(value, int) and value >= _EXACT
    return "exact" if exact else _word(value)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_word, value))
    return "" if value is None else str(value)
