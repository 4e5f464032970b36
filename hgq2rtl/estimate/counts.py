"""Count wires, adders, LUTs and registers by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..analyses import Area, areas
from ..analyses.area import is_adder
from ..ir.operations import const, output
from ..schedule import Schedule, shift_registers
from ..targets import Target


@dataclass(frozen=True)
class Counts:
    """What a layer, or the whole, consists of."""

    operations: int = 0
    """Values that are computed: no constants, no outputs."""
    wires: int = 0
    """Bits of all values."""
    adders: int = 0
    adder_bits: int = 0
    luts: int = 0
    """A structural count; synthesis may merge or trim."""
    inverters: int = 0
    """Bits that enter a carry chain alone and inverted."""
    carry_positions: int = 0
    """Positions of all carry chains, with a LUT or without."""
    register_bits: int = 0
    """Registers that delay this layer's values; input registers with the inputs. Those in shift
    registers are counted apart."""
    shift_register_bits: int = 0
    shift_register_luts: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def counts_by_layer(
    schedule: Schedule, target: Target, shift_register_length: int | None = None
) -> dict[int, Counts]:
    """Counts for every layer of the Program that has values; -1 collects values without one.

    Delays of `shift_register_length` registers and more are shift registers in LUTs.
    """
    program = schedule.program
    layer = program.layer.astype(np.int64)
    area = [
        Area() if is_reset else of_value
        for of_value, is_reset in zip(areas(program, target), schedule.resets, strict=True)
    ]
    is_computed = ~np.isin(program.operation, (const.code, output.code))
    shifted = shift_registers(schedule, shift_register_length)
    columns = {
        "operations": is_computed,
        "wires": np.where(is_computed, program.widths(), 0),
        "adders": is_adder(program),
        **{name: np.array(column, np.int64) for name, column in _columns(area).items()},
        "register_bits": schedule.register_bits_of - shifted.bits,
        "shift_register_bits": shifted.bits,
        "shift_register_luts": shifted.luts,
    }
    result = {}
    for number in sorted(set(layer.tolist())):
        rows = layer == number
        result[number] = Counts(**{name: int(c[rows].sum()) for name, c in columns.items()})
    return _with_input_registers(result, schedule)


def _columns(area: list[Area]) -> dict[str, tuple[int, ...]]:
    return dict(zip(Area._fields, zip(*area, strict=True), strict=True)) if area else {}


def _with_input_registers(counts: dict[int, Counts], schedule: Schedule) -> dict[int, Counts]:
    bits = schedule.register_bits - int(schedule.register_bits_of.sum())
    if bits:
        inputs = counts.get(0, Counts()).as_dict()
        inputs["register_bits"] += bits
        counts = {**counts, 0: Counts(**inputs)}
    return dict(sorted(counts.items()))


def total(counts: Sequence[Counts]) -> Counts:
    """The sum."""
    names = Counts().as_dict()
    return Counts(**{name: sum(getattr(each, name) for each in counts) for name in names})
