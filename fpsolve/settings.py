"""Settings: frozen descriptions of densities, schedules and schemes that case files name by their ``kind``."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

Recipe = dict[str, Any]

#: largest modulus of a given number: powers of it must not overflow (rescale the unit of x or t instead)
LARGEST = 1e60


class InputError(ValueError):
    """Bad input: what was given, what is allowed, what to try; ``key`` names the offending entry."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.message = message

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        """Pickled by its two parts, so that it survives the way back from another process."""
        return type(self), (self.key, self.message)

    def within(self, place: str) -> InputError:
        """The same complaint, its key prefixed by the place (a table of a case file, say)."""
        return InputError(f"{place} {self.key}".strip(), self.message)


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """The clause that names the allowed words, the nearest one first."""
    words = sorted(allowed)
    near = difflib.get_close_matches(word, words, n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + "allowed: " + ", ".join(words)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of every frozen settings class.

    A final class sets ``kind`` (the word used in case files); an abstract base sets ``family``.
    Every final class is registered under ``(family, kind)`` when it is defined.
    """

    kind: ClassVar[str] = ""
    family: ClassVar[str] = ""
    registry: ClassVar[dict[tuple[str, str], type[Settings]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            Settings.registry[cls.family, cls.kind] = cls

    def recipe(self) -> Recipe:
        """The JSON-ready description from which :func:`from_recipe` rebuilds an equal object."""
        entries: Recipe = {"kind": self.kind}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and field.init and field.metadata.get("recipe", True):
                entries[field.name] = value.recipe() if isinstance(value, Settings) else value
        return entries

    @classmethod
    def build(cls, entries: Recipe) -> Self:
        """Build from the entries of a recipe (``kind`` removed); classes with other keys override this."""
        return cls(**entries)

    @classmethod
    def keys(cls) -> tuple[list[str], list[str]]:
        """Required and optional keys of a recipe of this kind."""
        required: list[str] = []
        optional: list[str] = []
        for field in dataclasses.fields(cls):
            if field.init and field.metadata.get("recipe", True):
                given = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
                (required if given else optional).append(field.name)
        return required, optional


def from_recipe(family: str, recipe: Any, extra: Mapping[str, Any] | None = None) -> Any:
    """Rebuild a settings object of a family from its recipe.

    Parameters
    ----------
    family : str
        ``"density"``, ``"schedule"``, ...
    recipe : mapping
        ``kind`` and the keys of that kind.
    extra : mapping, optional
        Entries that stand elsewhere in a case file (``tau``), passed to the class where it takes them.

    Raises
    ------
    InputError
        Unknown kind, unknown or missing key, or a value the class refuses.
    """
    if not isinstance(recipe, Mapping):
        raise InputError("", f"given {recipe!r}; expected a table with a 'kind'")
    kinds = {kind: cls for (fam, kind), cls in Settings.registry.items() if fam == family}
    entries = dict(recipe)
    kind = entries.pop("kind", None)
    if kind is None:
        raise InputError("kind", f"missing; allowed: {', '.join(sorted(kinds))}")
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError("kind", f"given {kind!r}; {suggestion(str(kind), kinds)}")
    cls = kinds[kind]
    required, optional = cls.keys()
    for key in entries:
        if key not in required + optional:
            raise InputError(key, f"unknown key of kind {kind!r}; {suggestion(key, required + optional)}")
    for key in required:
        if key not in entries:
            raise InputError(key, f"missing; kind {kind!r} needs {', '.join(required)}")
    known = {field.name for field in dataclasses.fields(cls)}
    try:
        return cls.build(entries | {key: value for key, value in (extra or {}).items() if key in known})
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError("", f"kind {kind!r}: {error}") from error


def number(
    key: str, value: Any, *, above: float = -math.inf, least: float = -math.inf, below: float = math.inf
) -> float:
    """A finite number within bounds (``above`` and ``below`` exclusive, ``least`` inclusive), or an InputError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(key, f"given {value!r}; expected a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not abs(result) <= LARGEST:
        raise InputError(key, f"given {value!r}; expected a finite number of modulus up to {LARGEST:g}")
    if not above < result < below or result < least:
        low = f"above {above:g}" if above > -math.inf else f"at least {least:g}" if least > -math.inf else ""
        high = f"below {below:g}" if below < math.inf else ""
        raise InputError(key, f"given {result:g}; it must be {' and '.join(filter(None, (low, high)))}")
    return result


def whole(key: str, value: Any, least: int = 1, most: int = 10**8) -> int:
    """A whole number in ``[least, most]``, or an InputError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise InputError(key, f"given {value!r}; expected a whole number from {least} to {most}")
    return int(value)


def numbers(key: str, value: Any, *, above: float = -math.inf, least: float = -math.inf) -> tuple[float, ...]:
    """A non-empty sequence of finite numbers within bounds, as a tuple, or an InputError."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputError(key, f"given {value!r}; expected a list of numbers")
    items = tuple(value)
    if not items:
        raise InputError(key, "given an empty list; expected at least one number")
    return tuple(number(f"{key}[{i}]", item, above=above, least=least) for i, item in enumerate(items))
