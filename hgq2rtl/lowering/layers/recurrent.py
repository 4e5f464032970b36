"""Recurrences, unrolled: one copy of the cell for each step of the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import UnsupportedLayer
from ..cells import Cell, States, cell_of, is_cell
from ..fixed_array import FixedArray
from ..handlers import activate, handles
from ..layer import LoweringLayer

STATE_BITS = 64
"""A state with more bits is one that nothing bounds: it grows in every step."""


@handles("QSimpleRNN", "QGRU", "QSimpleSNN", "QLIF", "RNN", "SimpleRNN")
def lower_recurrence(
    layer: LoweringLayer, *inputs: FixedArray
) -> FixedArray | tuple[FixedArray, ...]:
    """A cell along a sequence, (steps, features), unrolled: hardware for every step.

    Gives the last output or all of them, and the last states if wanted. First states and a mask
    may be inputs or constants. Refused are a state that is kept between samples, and one that
    grows beyond 64 bits because no quantizer bounds it.
    """
    x, *given = sequence_and_states(layer, inputs)
    cell = cell_of(layer.part("cell"))
    first = given or [np.zeros(size) for size in cell.state_sizes]
    states: States = [x.lifted(state) for state in first]
    mask = _mask(layer, inputs)
    if layer.config["go_backwards"]:
        x, mask = x[::-1], None if mask is None else mask[::-1]
    projected = cell.projected(x)
    outputs: list[FixedArray] = []
    for number in range(len(x)):
        output, new_states = cell.step(projected[number], states)
        if mask is not None:
            output = _where(mask[number], output, _masked_output(layer, output, outputs, states))
            pairs = zip(new_states, states, strict=True)
            new_states = [_where(mask[number], new, old) for new, old in pairs]
        states = new_states
        _check_growth(layer, states, number)
        outputs.append(output)
    y = joined(outputs) if layer.config["return_sequences"] else outputs[-1]
    return (y, *states) if layer.config["return_state"] else y


def joined(steps: Sequence[FixedArray]) -> FixedArray:
    """Arrays of one shape along a new first axis."""
    return FixedArray.concatenate([step[None] for step in steps], axis=0)


def sequence_and_states(layer: LoweringLayer, inputs: Sequence[FixedArray]) -> list[Any]:
    """The operands of a call; a part of another layer is called with nothing else."""
    return layer.operands(inputs) if "operands" in layer.arguments else list(inputs)


def _mask(layer: LoweringLayer, inputs: Sequence[FixedArray]) -> Any:
    """Whether each step counts: (steps,), an array of wires or of constants, or None."""
    mask = layer.arguments.get("mask")
    return inputs[mask] if isinstance(mask, int) else mask


def _where(bit: Any, a: FixedArray, b: FixedArray) -> FixedArray:
    """`a` where `bit` is true, else `b`."""
    if isinstance(bit, FixedArray):
        return bit.where(a, b)
    return a if bit else b


def _masked_output(
    layer: LoweringLayer, output: FixedArray, before: Sequence[FixedArray], states: States
) -> FixedArray:
    """What Keras gives for a step that does not count: it depends on how Keras runs the loop."""
    zero = output.lifted(np.zeros(output.shape))
    if layer.config["unroll"]:
        return before[-1] if before else zero
    return zero if layer.config["zero_output_for_mask"] else states[-1]


def _check_growth(layer: LoweringLayer, states: States, step: int) -> None:
    """Refuse a state that nothing bounds."""
    for state in states:
        intervals = state.tracer.builder.intervals
        for wire in state.wires.reshape(-1).tolist():
            if wire < 0:
                continue
            bits = max(abs(n).bit_length() for n in intervals[wire])
            if bits > STATE_BITS:
                raise UnsupportedLayer(
                    f"{layer.where}: its state has no quantizer and grows in every step; after "
                    f"step {step + 1} it has {bits} bits, and the limit is {STATE_BITS}. Use a "
                    f"layer of hgq2 whose state is quantized (enable_sq), or fewer steps."
                )


# -- cells -----------------------------------------------------------------------


@handles("QSimpleRNNCell", "QGRUCell", "QSimpleSNNCell", "QLIFCell", "StackedRNNCells")
def lower_cell(layer: LoweringLayer, *inputs: FixedArray) -> tuple[FixedArray, ...]:
    """One step of a recurrence: input and states to output and new states."""
    x, *states = sequence_and_states(layer, inputs)
    cell = cell_of(layer)
    output, new_states = cell.step(
        cell.projected(x[None])[0], [x.lifted(state) for state in states]
    )
    return (output, *new_states)


@is_cell("QSimpleRNNCell")
class SimpleCell:
    """``h = activation(paq(iq(x) @ kernel + bias + sq(h) @ recurrent_kernel))``."""

    def __init__(self, layer: LoweringLayer):
        self.layer = layer
        self.kernel = layer.array("kernel")
        self.recurrent_kernel = layer.array("recurrent_kernel")
        self.bias = layer.array("bias") if layer.has("bias") else None
        self.state_sizes = [layer.config["units"]]

    def projected(self, x: FixedArray) -> FixedArray:
        y = self.layer.quantize("input", x) @ self.kernel
        return y if self.bias is None else y + self.bias

    def step(self, x: FixedArray, states: States) -> tuple[FixedArray, States]:
        y = x + self.layer.quantize("state", states[0]) @ self.recurrent_kernel
        y = activate(self.layer, self.layer.quantize("candidate", y))
        if np.any(y.wires < 0) and not self.layer.has_quantizer("state"):
            raise UnsupportedLayer(
                f"{self.layer.where}: activation {self.layer.config['activation']!r} has no exact "
                "value, and no quantizer stands between it and the next step. Use linear, which "
                "the layer's own quantizer makes a hard tanh, or relu."
            )
        return y, [y]


@is_cell("QGRUCell")
class GatedCell:
    """Gates z and r, a candidate c, and the state ``z * sq(h) + (1 - z) * c``.

    ``z, r = praq(f(x @ W + b + sq(h) @ R))``. With reset_after the candidate is
    ``paq(g(x @ W + b + r * rhq(sq(h) @ R + b')))``, without it
    ``paq(g(x @ W + b + rhq(r * sq(h)) @ R))``.
    """

    def __init__(self, layer: LoweringLayer):
        self.layer = layer
        self.kernel = layer.array("kernel")
        self.recurrent_kernel = layer.array("recurrent_kernel")
        self.reset_after = layer.config["reset_after"]
        self.units = layer.config["units"]
        self.state_sizes = [self.units]
        bias = layer.array("bias") if layer.has("bias") else None
        has_two = bias is not None and self.reset_after
        self.bias = bias[0] if bias is not None and has_two else bias
        self.recurrent_bias = bias[1] if bias is not None and has_two else None

    def projected(self, x: FixedArray) -> FixedArray:
        y = self.layer.quantize("input", x) @ self.kernel
        return y if self.bias is None else y + self.bias

    def step(self, x: FixedArray, states: States) -> tuple[FixedArray, States]:
        h = self.layer.quantize("state", states[0])
        gates, candidate = self._after(x, h) if self.reset_after else self._before(x, h)
        c = self.layer.quantize("candidate", activate(self.layer, candidate))
        h = c + gates[: self.units] * (h - c)  # one product where z * h + (1 - z) * c has two
        return h, [h]

    def _after(self, x: FixedArray, h: FixedArray) -> tuple[FixedArray, FixedArray]:
        """Gates and candidate, reset after the product with the recurrent kernel."""
        split = 2 * self.units
        inner = h @ self.recurrent_kernel
        if self.recurrent_bias is not None:
            inner = inner + self.recurrent_bias
        gates = self._gates(x[:split] + inner[:split])
        reset = self.layer.quantize("reset_state", inner[split:])
        return gates, x[split:] + gates[self.units :] * reset

    def _before(self, x: FixedArray, h: FixedArray) -> tuple[FixedArray, FixedArray]:
        """Gates and candidate, reset before it."""
        split = 2 * self.units
        gates = self._gates(x[:split] + h @ self.recurrent_kernel[:, :split])
        reset = self.layer.quantize("reset_state", gates[self.units :] * h)
        return gates, x[split:] + reset @ self.recurrent_kernel[:, split:]

    def _gates(self, x: FixedArray) -> FixedArray:
        activated = activate(self.layer, x, "recurrent_activation")
        return self.layer.quantize("gates", activated)


@is_cell("StackedRNNCells")
class StackedCells:
    """Cells one behind the other; their states one after the other."""

    def __init__(self, layer: LoweringLayer):
        self.cells: list[Cell] = [
            cell_of(layer.part(f"cell_{n}")) for n in range(len(layer.layer.parts))
        ]
        self.state_sizes = [size for cell in self.cells for size in cell.state_sizes]

    def projected(self, x: FixedArray) -> FixedArray:
        return self.cells[0].projected(x)

    def step(self, x: FixedArray, states: States) -> tuple[FixedArray, States]:
        left, new_states = list(states), list[FixedArray]()
        for number, cell in enumerate(self.cells):
            own, left = left[: len(cell.state_sizes)], left[len(cell.state_sizes) :]
            x = cell.projected(x[None])[0] if number else x
            x, made = cell.step(x, own)
            new_states += made
        return x, new_states
