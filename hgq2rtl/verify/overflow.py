"""How often each quantizer wraps or saturates on a user's data.

Published checkpoints are often not calibrated: values leave the ranges that
training last saw, and the hardware wraps exactly as the model does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..fixed import limits, round_mantissa
from ..fixed.border import round_float
from ..ir import Field, Program, ProgramPort
from ..ir.interpreter import Interpreter
from ..ir.operations import quantize_


@dataclass(frozen=True)
class OverflowShare:
    """One layer's input quantizers on some data."""

    place: str
    """``input x`` for a port's quantizers, else the layer's name."""
    mode: str
    elements: int
    share_of_values: float
    share_of_samples: float
    worst_element: int
    worst_share: float

    def __str__(self) -> str:
        verb = "wrap" if self.mode.startswith("WRAP") else "saturate"
        return (
            f"{self.place}: {100 * self.share_of_values:.3g} % of values {verb} "
            f"({100 * self.share_of_samples:.3g} % of samples; worst: element "
            f"{self.worst_element}, {100 * self.worst_share:.3g} %)"
        )


def overflow_shares(lowered: Program, floats: Sequence[np.ndarray]) -> list[OverflowShare]:
    """Statistics for every port and layer that quantizes, in the way of the data.

    Parameters
    ----------
    lowered : Program
        As lowering gives it: quantizers not yet expanded.
    floats : one array (samples, *shape) per input
    """
    shares = []
    for port, x in zip(lowered.inputs, floats, strict=True):
        shares += _port_shares(port, np.asarray(x).reshape(len(x), -1))
    return shares + _layer_shares(lowered, Interpreter(lowered).quantize_inputs(floats))


def _port_shares(port: ProgramPort, x: np.ndarray) -> list[OverflowShare]:
    by_mode: defaultdict[str, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for field in port.fields:
        if field.overflow != "EXACT" and field.format.width:
            by_mode[field.overflow].append((field.element, _leaves(field, x[:, field.element])))
    return [_share(f"input {port.name}", mode, found) for mode, found in by_mode.items()]


def _leaves(field: Field, x: np.ndarray) -> np.ndarray:
    k, i, f = field.kif
    # A count, not an answer: float64 is near enough, and never overflows here.
    scaled = np.ldexp(np.asarray(x, np.float64) / field.scaler, f)
    lo, hi = limits(k, i + f, field.overflow)
    rounded = round_float(scaled, field.rounding)
    return (rounded < lo) | (rounded > hi)


def _layer_shares(lowered: Program, mantissas: list[np.ndarray]) -> list[OverflowShare]:
    numbers = lowered.values_of(quantize_).tolist()
    if not numbers:
        return []
    operands = [lowered.operands_of(v)[0] for v in numbers]
    values = Interpreter(lowered).values(mantissas, operands)
    groups: defaultdict[tuple[int, str], list[tuple[int, np.ndarray]]] = defaultdict(list)
    for column, v in enumerate(numbers):
        given = lowered[v].attributes
        rounded = round_mantissa(values[:, column], given["shift"], given["rounding"])
        k, bits = given["k"], given["bits"]
        lo, hi = limits(k, bits, given["overflow"])
        leaves = np.asarray((rounded < lo) | (rounded > hi), bool)
        key = (int(lowered.layer[v]), given["overflow"])
        groups[key].append((int(lowered.element[v]), leaves))
    return [
        _share(lowered.layers[layer].name, mode, found)
        for (layer, mode), found in sorted(groups.items())
    ]


def _share(place: str, mode: str, found: list[tuple[int, np.ndarray]]) -> OverflowShare:
    columns = np.stack([leaves for _, leaves in found], axis=1)
    per_element = columns.mean(axis=0)
    worst = int(per_element.argmax())
    return OverflowShare(
        place=place,
        mode=mode,
        elements=len(found),
        share_of_values=float(columns.mean()),
        share_of_samples=float(columns.any(axis=1).mean()),
        worst_element=found[worst][0],
        worst_share=float(per_element[worst]),
    )
