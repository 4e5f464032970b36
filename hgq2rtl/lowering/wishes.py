"""Port formats as users write them: ``k,i,f`` or ``NAME=k,i,f``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import BadOption
from ..fixed import OVERFLOWS, ROUNDINGS


@dataclass(frozen=True)
class FormatWish:
    """A format that the user fixes for a port: ``k,i,f[,rounding[,overflow]]``.

    Rounding and overflow serve outputs; an input port takes only numbers that fit.
    """

    k: int
    i: int
    f: int
    rounding: str = "TRN"
    overflow: str = "WRAP"


WIDEST = 64
Wish = str | Sequence[int] | FormatWish


def parse_wishes(
    wishes: Mapping[str, Wish] | Wish | None, names: Sequence[str] | None, direction: str
) -> dict[str, FormatWish]:
    """A format for each port named; one without a name holds for every port.

    Without `names` (a function's outputs are known only when it has run) the one for every
    port stands under ``""``.

    Raises
    ------
    BadOption
        For an unknown port or a format that is none.
    """
    if wishes is None:
        return {}
    if names is None:
        named = wishes if isinstance(wishes, Mapping) else {"": wishes}
        return {name: parse_format(wish, direction) for name, wish in named.items()}
    if not isinstance(wishes, Mapping):
        return dict.fromkeys(names, parse_format(wishes, direction))
    unknown = [name for name in wishes if name not in (*names, "")]
    if unknown:
        raise BadOption(
            f"the model has no {direction} {unknown[0]!r}: it has {', '.join(map(repr, names))}"
        )
    for_all = dict.fromkeys(names, parse_format(wishes[""], direction)) if "" in wishes else {}
    return for_all | {name: parse_format(wish, direction) for name, wish in wishes.items() if name}


def split_wish(text: str) -> tuple[str, str]:
    """``NAME=k,i,f`` as (name, format); the name is empty where there is none."""
    name, _, format = text.rpartition("=")
    return name, format


def parse_format(wish: Wish, direction: str) -> FormatWish:
    if isinstance(wish, FormatWish):
        return wish
    parts: list[str | int]
    if isinstance(wish, str):
        parts = [part.strip() for part in wish.split(",")]
    else:
        parts = list(wish) if isinstance(wish, Sequence) else []
    is_number = [re.fullmatch(r"-?\d{1,6}", str(p)) is not None for p in parts[:3]]
    if not 3 <= len(parts) <= 5 or not all(is_number):
        raise BadOption(
            f"{direction} format {wish!r}: write k,i,f with sign bits, integer bits without sign, "
            "and fraction bits, for example 1,3,4"
        )
    k, i, f = (int(p) for p in parts[:3])
    if k not in (0, 1) or not 0 < k + i + f <= WIDEST:
        raise BadOption(
            f"{direction} format {wish!r}: k must be 0 or 1 and k + i + f from 1 to {WIDEST}"
        )
    rounding, overflow = (*map(str, parts[3:]), *("TRN", "WRAP")[len(parts) - 3 :])
    if direction == "input" and len(parts) > 3:
        raise BadOption(f"input format {wish!r}: an input port takes k,i,f only")
    if rounding not in ROUNDINGS or overflow not in OVERFLOWS:
        raise BadOption(
            f"{direction} format {wish!r}: rounding is one of {', '.join(ROUNDINGS)}; overflow one "
            f"of {', '.join(OVERFLOWS)}"
        )
    return FormatWish(k, i, f, rounding, overflow)
