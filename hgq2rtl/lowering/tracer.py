"""A Program under construction, with what symbolic execution keeps beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..ir import Builder
from ..ir.program import Table

if TYPE_CHECKING:
    from .unquantized import Unquantized


class Tracer:
    """The builder, and the numbers that are no wires yet.

    Wires are numbers from 0 up: values of the builder. A negative number
    ``-1 - n`` is entry ``n`` of `unquantized`: something that only a quantizer
    turns into a wire.
    """

    def __init__(self, builder: Builder, float_type: str = "float32"):
        self.builder = builder
        self.where = "the function"
        """The layer that is being lowered, for messages."""
        self.float_type = float_type
        """What functions are evaluated in: the float type of that layer."""
        self._unquantized: list[Unquantized] = []
        self._groups = 0
        self._constants: dict[tuple[int, int], int] = {}
        self._tables: dict[tuple[int, bytes], int] = {}

    def new_group(self) -> int:
        """A number for one more linear block."""
        self._groups += 1
        return self._groups

    def constant(self, mantissa: int, exponent: int) -> int:
        """The wire of a constant; equal ones share it."""
        key = (mantissa, exponent)
        if key not in self._constants:
            at, self.builder.at = self.builder.at, (-1, -1)
            self._constants[key] = self.builder.const(mantissa, exponent)
            self.builder.at = at
        return self._constants[key]

    def table(self, base: int, contents: np.ndarray) -> int:
        """The number of a table; equal ones are one.

        Parameters
        ----------
        base : int
            The mantissa whose entry comes first.
        contents : int64 array (entries,)
        """
        key = (base, contents.tobytes())
        if key not in self._tables:
            self._tables[key] = len(self.builder.tables)
            self.builder.tables.append(Table(base, contents))
        return self._tables[key]

    def defer(self, value: Unquantized) -> int:
        """The negative number of something that is no wire yet."""
        self._unquantized.append(value)
        return -len(self._unquantized)

    def deferred(self, number: int) -> Unquantized:
        """What a negative number stands for."""
        return self._unquantized[-1 - number]
