"""Keras' wrappers around other layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..fixed_array import FixedArray
from ..handlers import HANDLERS, handles
from ..layer import LoweringLayer
from .recurrent import joined, sequence_and_states


@handles("TimeDistributed")
def lower_time_distributed(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The layer inside, once for each step of a sequence; all steps share its weights."""
    inside = _called(layer, "layer", layer.arguments.get("layer", {}))
    return joined([_outputs(inside, x[n])[0] for n in range(len(x))])


@handles("Bidirectional")
def lower_bidirectional(
    layer: LoweringLayer, *inputs: FixedArray
) -> FixedArray | tuple[FixedArray, ...]:
    """Two recurrences, one along the sequence and one against it; ``merge_mode`` joins them.

    ``mul`` needs a multiplier for each element. States come behind: first those of the
    forward layer.
    """
    x, *states = sequence_and_states(layer, inputs)
    half = len(states) // 2
    y, *made = _directed(layer, "forward", inputs, [x, *states[:half]])
    back, *made_back = _directed(layer, "backward", inputs, [x, *states[half:]])
    if layer.config["return_sequences"]:
        back = back[::-1]
    outputs = _merged(layer.config["merge_mode"], y, back)
    found = (*outputs, *made, *made_back)
    return found if len(found) > 1 else found[0]


def _directed(
    layer: LoweringLayer, role: str, inputs: Sequence[FixedArray], operands: list[Any]
) -> tuple[FixedArray, ...]:
    """One of the two layers, with the mask of the whole call."""
    arguments = {"operands": operands, "mask": layer.arguments.get("mask")}
    return _outputs(_called(layer, role, arguments), *inputs)


def _called(layer: LoweringLayer, role: str, arguments: Mapping[str, Any]) -> LoweringLayer:
    """A part, called with arguments of its own."""
    part = layer.part(role)
    return LoweringLayer(part.layer, part.where, arguments, part.functions)


def _outputs(layer: LoweringLayer, *inputs: FixedArray) -> tuple[FixedArray, ...]:
    made = HANDLERS[layer.layer.class_name](layer, *inputs)
    return made if isinstance(made, tuple) else (made,)


def _merged(mode: str | None, y: FixedArray, back: FixedArray) -> tuple[FixedArray, ...]:
    match mode:
        case "concat":
            return (FixedArray.concatenate([y, back], -1),)
        case "sum":
            return (y + back,)
        case "ave":
            return ((y + back) / 2,)
        case "mul":
            return (y * back,)
        case _:
            return y, back
