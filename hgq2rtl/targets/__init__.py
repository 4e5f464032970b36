"""FPGA families as data: one TOML file each, with the source of each figure.

Takes a part number; gives a :class:`Target` that prices and times operations
for every later stage.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import BadOption

DEFAULT_PART = "xcvu13p-flga2577-2-e"
GENERIC = "generic_lut6"
CASCADED_TABLE_BITS = 8
"""Where the part is not known: what every family here can do."""


@dataclass(frozen=True)
class Target:
    """What the stages need to know of a part. Delays are in ns."""

    part: str
    family: str
    lut_inputs: int
    carry_bits: int
    primitives: bool
    """Whether cells of its primitives are there and pay."""
    sums: Mapping[str, Any]
    """What the solver of sums minimises: the fields of its cost."""
    cascaded_table_bits: int
    """Address bits of a table that dedicated multiplexers join behind its LUTs."""
    largest_table_bits: int
    delay_ns: Mapping[str, float]
    """Of the part's speed grade; see docs/delays.md for what each means."""
    growth_power: float
    """Nets grow with this power of the LUTs of a design."""
    speed_grade: str | None = None
    """As the part number says; None where the family has none."""


def target_for(part: str = DEFAULT_PART) -> Target:
    """The family that a part number belongs to; ``generic`` for the generic one.

    A part number without a speed grade has the family's default: -2 for AMD's parts.

    Raises
    ------
    BadOption
        If no family knows the part.
    """
    name = part.lower() if re.fullmatch(r"[A-Za-z0-9_-]+", part) else ""
    for stem, data in _families().items():
        is_generic = stem == GENERIC and name in ("generic", GENERIC)
        if is_generic or any(name.startswith(prefix) for prefix in data["parts"]):
            return _target(part, data)
    known = ", ".join(sorted(p for data in _families().values() for p in data["parts"]))
    raise BadOption(
        f"part {part!r}: no target family knows it. Parts that begin with {known} are known; "
        "'generic' stands for any family of 6-input LUTs."
    )


def _target(part: str, data: Mapping[str, Any]) -> Target:
    """Delays of the family, times the factor of the part's speed grade."""
    fields = {key: value for key, value in data.items() if key not in ("parts", "speed")}
    if "speed" not in data:
        return Target(part=part, **fields)
    speed = data["speed"]
    found = re.search(speed["pattern"], part.lower())
    grade = found[1] if found else speed["default"]
    factor = speed["factors"][grade]
    fields["delay_ns"] = {name: round(ns * factor, 6) for name, ns in data["delay_ns"].items()}
    return Target(part=part, speed_grade=grade, **fields)


@cache
def _families() -> dict[str, dict[str, Any]]:
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text())
        for file in sorted(files(__package__).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }
