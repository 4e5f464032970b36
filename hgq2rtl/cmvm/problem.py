"""What a solver is asked: a value that can be compared and hashed by its content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..fixed.interval import Interval
from .options import Options


@dataclass(frozen=True, eq=False)
class Problem:
    """``y = x @ matrix`` for integers ``x``."""

    matrix: np.ndarray
    """Shape (inputs, outputs): integers of any kind."""
    inputs: tuple[Interval, ...]
    arrivals: tuple[int, ...] = ()
    """Adder levels at which the inputs arrive, of which differences matter; none: all at once."""

    @cached_property
    def content(self) -> str:
        """All of it as text: equal for equal problems, however they are stored."""
        inputs = [(int(lo), int(hi)) for lo, hi in self.inputs]
        earliest = min(self.arrivals, default=0)
        levels = [int(level - earliest) for level in self.arrivals]
        arrivals = levels if any(levels) else []
        return f"{self.matrix.shape} {self.matrix.tolist()} {inputs} {arrivals}"

    @cached_property
    def digits(self) -> np.ndarray:
        """Non-zero signed digits of each weight: terms of the sums.

        A number and its triple differ in as many bits (Bosma, "Signed bits and fast
        exponentiation", J. Théor. Nombres Bordeaux 13 (2001), 27-41).
        """
        numbers = [abs(n) for n in self.matrix.ravel().tolist()]
        counts = [(n ^ 3 * n).bit_count() for n in numbers]
        return np.array(counts, np.int64).reshape(self.matrix.shape)

    @cached_property
    def widths(self) -> np.ndarray:
        """Bits of each input."""
        return np.array([(hi - lo).bit_length() for lo, hi in self.inputs], np.int64)


class Task(NamedTuple):
    """A problem, and how to solve it."""

    problem: Problem
    options: Options

    @property
    def content(self) -> str:
        return f"{self.options!r} {self.problem.content}"
