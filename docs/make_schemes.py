"""Write the tables of claims into ``docs/choosing_a_scheme.md``, from the classes: ``python docs/make_schemes.py``.

The figure of that page is the one of ``python -m validation.convergence.schemes --out docs/_static``.
"""

import re
from pathlib import Path
from typing import Any

from fpsolve.cli.schemes import HEADINGS, schemes_table

PAGE = Path(__file__).resolve().parent / "choosing_a_scheme.md"
SECTIONS = ("fluxes", "steppers")


def tables() -> dict[str, str]:
    """Section -> its table in Markdown."""
    found = schemes_table()
    return {section: markdown(found[section]) for section in SECTIONS}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table, references last."""
    keys = list(rows[0])
    lines = [" | ".join(HEADINGS.get(key, key).replace("_", " ") for key in keys), " | ".join("---" for _ in keys)]
    lines += [" | ".join(word(key, row[key]) for key in keys) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def word(key: str, value: Any) -> str:
    """A claim in a cell of the table."""
    if isinstance(value, bool):
        return "yes" if value else "–"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    if key == "kind":
        return f"`{value}`"
    return "exact" if key == "order" and value == 100 else str(value)


def filled(text: str) -> str:
    """The text of the page with fresh tables between their markers."""
    for section, table in tables().items():
        pattern = rf"(<!-- {section} -->\n).*?(<!-- /{section} -->)"
        text = re.sub(pattern, lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
