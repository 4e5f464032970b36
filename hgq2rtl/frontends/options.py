"""Options of a layer or quantizer, as the configuration holds them.

Every option is asked for once, with what it may be; a wrong one is a
:class:`~hgq2rtl.errors.BadModelFile` that names it. What nobody asked for is
left over: an option that this version does not know may change the arithmetic,
so it is refused unless it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NoReturn, TypeGuard

from ..errors import BadModelFile, UnsupportedLayer
from .untrusted import value_shown

LARGEST = 2**48
"""No size or count of an option is beyond this."""

LONGEST_LIST = 64
"""Lists of sizes have an entry for each axis."""

_REQUIRED = object()

IGNORED = frozenset(
    "name trainable dtype seed rate noise_shape stddev l1 l2 momentum synchronized "
    "renorm_momentum ebops_factor parallelization_factor".split()
)
"""Options that mean nothing at inference."""

IGNORED_ENDINGS = ("_initializer", "_regularizer", "_constraint", "beta0")
"""So do these; they may name code, which is never imported."""


class Options:
    """Checked access to a mapping of options."""

    def __init__(self, values: Mapping[str, Any], where: str):
        self._values = values
        self._asked: set[str] = set()
        self.where = where

    def bad(self, text: str) -> NoReturn:
        """Say that the file contradicts itself."""
        raise BadModelFile(f"{self.where}: {text}. Save the model again from Keras.")

    def has(self, name: str) -> bool:
        """Whether an option is given at all."""
        return name in self._values

    def raw(self, name: str, default: Any = _REQUIRED) -> Any:
        """An option as it stands. Without a default it must be there."""
        self._asked.add(name)
        value = self._values.get(name, default)
        if value is _REQUIRED:
            self.bad(f"option {name!r} is missing")
        return value

    def wrong(self, name: str, wanted: str) -> NoReturn:
        """Say that an option is not what it must be."""
        self.bad(f"option {name!r} is {value_shown(self._values.get(name))}; it must be {wanted}")

    def whole(self, name: str, at_least: int, default: Any = _REQUIRED) -> int:
        """A whole number; ``true``, ``3.0`` and ``Infinity`` are none."""
        value = self.raw(name, default)
        if not is_whole(value) or not at_least <= value < LARGEST:
            self.wrong(name, f"a whole number of at least {at_least}, below 2^48")
        return value

    def number(self, name: str, default: Any = _REQUIRED) -> float:
        """A finite number."""
        value = self.raw(name, default)
        if not is_number(value):
            self.wrong(name, "a finite number")
        return float(value)

    def boolean(self, name: str, default: Any = _REQUIRED) -> bool:
        """``true`` or ``false``; ``null`` means the default."""
        value = self.raw(name, default)
        if value is None and default is not _REQUIRED:
            value = default
        if not isinstance(value, bool):
            self.wrong(name, "true or false")
        return value

    def word(self, name: str, choices: Sequence[str], default: Any = _REQUIRED) -> str:
        """One of some words."""
        value = self.raw(name, default)
        if not isinstance(value, str) or value not in choices:
            self.wrong(name, "one of " + ", ".join(choices))
        return value

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        """A text."""
        value = self.raw(name, default)
        if not isinstance(value, str):
            self.wrong(name, "a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """A text, or null, or not given."""
        return None if self.raw(name, None) is None else self.text(name)

    def wholes(
        self, name: str, at_least: int, default: Any = _REQUIRED, length: int | None = None
    ) -> tuple[int, ...]:
        """A list of whole numbers; one number stands for a list of `length` equal ones."""
        value = plain_list(self.raw(name, default))
        if is_whole(value):
            value = [value] * (length or 1)
        if (
            not isinstance(value, list)
            or len(value) > LONGEST_LIST
            or not all(is_whole(v) and at_least <= v < LARGEST for v in value)
            or (length is not None and len(value) != length)
        ):
            count = "whole numbers" if length is None else f"{length} whole numbers"
            self.wrong(name, f"a list of {count} of at least {at_least}")
        return tuple(value)

    def refuse_leftovers(self) -> None:
        """Refuse an option that nobody asked for, unless it says nothing.

        Raises
        ------
        UnsupportedLayer
            If an unknown option is neither null, false nor empty.
        """
        for name, value in self._values.items():
            if name in self._asked or name in IGNORED or name.endswith(IGNORED_ENDINGS):
                continue
            if value is None or value is False or value == [] or value == {}:
                continue
            raise UnsupportedLayer(
                f"{self.where}: option {value_shown(name)} = {value_shown(value)} is unknown here "
                f"and may change the arithmetic. Build the layer without it."
            )


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether a JSON value is a whole number (``true`` is not)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a JSON value is a finite number that fits a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**1000 if isinstance(value, int) else isfinite(value)


def plain_list(value: Any) -> Any:
    """A list, also where Keras wrote it as ``__tuple__``; any other value as it is."""
    if isinstance(value, Mapping) and value.get("class_name") in ("__tuple__", "__list__"):
        return value.get("items")
    return value
