"""How the numbers of a model lie on the core's ports: the content of ``ports.json``.

``sim/ports.py`` reads that file; it stands apart because an output folder keeps a copy of it,
which must run where hgq2rtl is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import ProgramPort
from .names import unique_identifiers


@dataclass(frozen=True)
class PortField:
    """One number on a bus: its element of the tensor, its bits, its kif format."""

    index: tuple[int, ...]
    offset: int
    width: int
    k: int
    i: int
    f: int


@dataclass(frozen=True)
class BusPort:
    """One input or output bus of the core."""

    name: str
    """The model's name."""
    port: str
    """The Verilog name."""
    width: int
    """At least 1: an empty bus keeps one unused bit."""
    shape: tuple[int, ...]
    fields: tuple[PortField, ...]


@dataclass(frozen=True)
class CorePorts:
    """All ports of a core."""

    inputs: tuple[BusPort, ...]
    outputs: tuple[BusPort, ...]


CONTROL_NAMES = ("clk", "en", "rst", "valid_in", "valid_out")


def core_ports(inputs: Sequence[ProgramPort], outputs: Sequence[ProgramPort]) -> CorePorts:
    """Lay the fields of every port side by side, the first in the low bits."""
    names = unique_identifiers([port.name for port in (*inputs, *outputs)], CONTROL_NAMES)
    buses = [_bus(port, name) for port, name in zip((*inputs, *outputs), names, strict=True)]
    return CorePorts(tuple(buses[: len(inputs)]), tuple(buses[len(inputs) :]))


def _bus(port: ProgramPort, name: str) -> BusPort:
    fields = []
    offset = 0
    for field in port.fields:
        index = tuple(int(n) for n in np.unravel_index(field.element, port.shape or (1,)))
        width = field.format.width
        fields.append(PortField(index if port.shape else (), offset, width, *field.format.kif))
        offset += width
    return BusPort(port.name, name, max(offset, 1), port.shape, tuple(fields))


def bus_json(bus: BusPort) -> dict[str, Any]:
    """One entry of ``ports.json``."""
    return {
        "name": bus.name,
        "port": bus.port,
        "width": bus.width,
        "shape": list(bus.shape),
        "order": "C",
        "elements": [
            {
                "index": list(field.index),
                "offset": field.offset,
                "width": field.width,
                "k": field.k,
                "i": field.i,
                "f": field.f,
            }
            for field in bus.fields
        ],
    }
