"""Layers that move elements: no hardware."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer

_MOVES: dict[str, Callable[..., Any]] = {
    "ArraySplit": np.array_split,
    "Diagonal": np.diagonal,
    "Dsplit": np.dsplit,
    "Flip": np.flip,
    "Fliplr": np.fliplr,
    "Hsplit": np.hsplit,
    "Pad": np.pad,
    "Repeat": np.repeat,
    "Roll": np.roll,
    "Rot90": np.rot90,
    "Split": np.split,
    "Take": np.take,
    "TakeAlongAxis": np.take_along_axis,
    "Tile": lambda x, repeats: np.tile(x, repeats),
    "Tril": np.tril,
    "Triu": np.triu,
}
_JOINS: dict[str, Callable[..., Any]] = {
    "Dstack": np.dstack,
    "Hstack": np.hstack,
    "Stack": np.stack,
}


@handles("Flatten")
def lower_flatten(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """All axes into one; with channels_first the channels come last."""
    is_last = layer.config.get("data_format") != "channels_first" or x.ndim < 2
    return (x if is_last else x.transpose(*range(1, x.ndim), 0)).reshape(-1)


@handles("Reshape")
def lower_reshape(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The same elements, C order, in ``target_shape``."""
    return x.reshape(tuple(layer.config["target_shape"]))


@handles("Permute", "Transpose")
def lower_permute(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Axes in another order: ``axes``, counted without the batch axis."""
    return x.transpose(tuple(layer.config["axes"]))


@handles("RepeatVector")
def lower_repeat_vector(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A vector, `n` times over."""
    return x.broadcast_to((layer.config["n"], *x.shape))


@handles("Concatenate")
def lower_concatenate(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """Side by side along ``axis``, counted without the batch axis."""
    return FixedArray.concatenate(inputs, layer.config["axis"])


@handles("GetItem")
def lower_getitem(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Slicing with constant indices: ``key``, without the batch axis."""
    return x[layer.arguments["key"]]


@handles("Unstack")
def lower_unstack(layer: LoweringLayer, x: FixedArray) -> tuple[FixedArray, ...]:
    """One tensor for each place of an axis."""
    return tuple(x.moved(np.moveaxis(x.wires, layer.config["axis"], 0)))


@handles(*_MOVES, *_JOINS)
def lower_move(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray | tuple[FixedArray, ...]:
    """The operation of Keras of that name, with constant indices; axes count with the batch."""
    name, options = layer.layer.class_name, layer.config
    operands = [x[None] if isinstance(x, FixedArray) else x for x in layer.operands(inputs)]
    if name in _JOINS:
        return _JOINS[name](operands, **options)[0]
    made = _MOVES[name](*operands, **options)
    return tuple(piece[0] for piece in made) if isinstance(made, list) else made[0]
