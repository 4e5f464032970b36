"""The register of cells: what a recurrent layer does in one step.

A cell is made once for a layer, so that its constants are quantized once, however
many steps there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .fixed_array import FixedArray
from .layer import LoweringLayer

States = Sequence[FixedArray]


class Cell(Protocol):
    """One step of a recurrence, with its constants at hand."""

    state_sizes: Sequence[int]

    def projected(self, x: FixedArray) -> FixedArray:
        """What needs no state, for all steps at once: (steps, features) to (steps, any)."""

    def step(self, x: FixedArray, states: States) -> tuple[FixedArray, States]:
        """Output and new states, from what `projected` gave for this step, and the states."""


_CELLS: dict[str, Callable[[LoweringLayer], Cell]] = {}


def is_cell(class_name: str) -> Callable[[type], type]:
    """Register a class of cells, made from their layer."""

    def register(made: type) -> type:
        _CELLS[class_name] = made
        return made

    return register


def cell_of(layer: LoweringLayer) -> Cell:
    """The cell that a layer is."""
    return _CELLS[layer.layer.class_name](layer)
