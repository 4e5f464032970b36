"""What the solver minimises, and how hard it tries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Effort = Literal["fast", "default", "best"]
EFFORTS: tuple[Effort, ...] = ("fast", "default", "best")


@dataclass(frozen=True)
class Cost:
    """Price of an addition on a target.

    ``rows``: operands are unsigned, sign extension and negation cost nothing, and a LUT is needed
    only in positions where both operands have bits. ``signed``: two's complement adders, a LUT
    for every position from the higher operand's lowest bit to the top of the result.
    """

    kind: Literal["rows", "signed"] = "rows"
    carry_position: float = 0.25
    """Price of a carry position without a LUT, in LUTs (``rows`` only)."""
    has_three_operand_rows: bool = False
    """Whether a node may join its only reader as one row of three operands, which takes two
    levels (``rows`` only)."""


@dataclass(frozen=True)
class Options:
    """How to solve a block.

    Effort is counted in iterations, never in seconds: the same matrix, intervals and options give
    the same graph on every machine.
    """

    effort: Effort = "default"
    cost: Cost = Cost()
    depth_slack: int = 0
    """Adder levels that an output may have above the least possible of the whole block."""
    seed: int = 0
    iterations: int | None = None
    """Steps of the search; None: what `effort` takes for one block alone, about a second for
    ``default``; 0: no search."""
