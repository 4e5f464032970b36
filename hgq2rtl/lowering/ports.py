"""The ports of a Program under construction: input fields, and outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..fixed import OVERFLOWS, Format, limits
from ..ir import Field, LayerName, ProgramPort
from ..ir.operations import input_
from .fixed_array import FixedArray
from .tracer import Tracer
from .unquantized import RawInput
from .wires import ElementQuantizer
from .wishes import FormatWish


@dataclass(eq=False)
class InputPort:
    """One input: its fields appear as quantizers read its elements."""

    tracer: Tracer
    number: int
    name: str
    shape: tuple[int, ...]
    fields: list[Field] = field(default_factory=list)
    _known: dict[Field, int] = field(default_factory=dict)

    def raw(self) -> FixedArray:
        """Elements that nothing has read yet: each quantizer that reads one makes a field."""
        numbers = [self.tracer.defer(RawInput(n, self._read)) for n in range(math.prod(self.shape))]
        return FixedArray(self.tracer, np.array(numbers, np.int64).reshape(self.shape))

    def fixed(self, formats: Sequence[Format]) -> FixedArray:
        """Elements of given formats: the port takes only numbers that fit."""
        wires = [self._wire(Field(n, format)) for n, format in enumerate(formats)]
        return FixedArray(self.tracer, np.array(wires, np.int64).reshape(self.shape))

    def finished(self) -> ProgramPort:
        return ProgramPort(self.name, self.shape, tuple(self.fields))

    def _read(self, element: int, q: ElementQuantizer, float_type: str) -> int:
        format = _port_format(q)
        sign = bool(q.k) if q.overflow == "WRAP_SM" and format.width else None
        return self._wire(
            Field(element, format, q.rounding, q.overflow, q.scaler, sign, float_type)
        )

    def _wire(self, field: Field) -> int:
        if field not in self._known:
            builder = self.tracer.builder
            self.fields.append(field)
            at, builder.at = builder.at, (0, field.element)
            self._known[field] = self._new_wire(field.format)
            builder.at = at
        return self._known[field]

    def _new_wire(self, format: Format) -> int:
        builder = self.tracer.builder
        if format.width == 0:
            return builder.const(0, format.exponent)
        return builder.value(
            input_,
            attributes={"port": self.number, "field": len(self.fields) - 1},
            interval=(format.lo, format.hi),
            exponent=format.exponent,
        )


def add_output(tracer: Tracer, name: str, array: FixedArray, wish: FormatWish | None) -> None:
    """Make `array` an output port, in the format that the user fixed or in its own.

    Raises
    ------
    NeedsInputFormat, NotExact
        If an element has no exact value.
    """
    builder = tracer.builder
    builder.at = (len(builder.layers), -1)
    builder.layers.append(LayerName("outputs", "Output"))
    tracer.where = f"output {name!r}"
    if wish is not None:
        array = array.quantize(wish.k, wish.i, wish.f, wish.rounding, wish.overflow)
    wires = array.formatted().wires.reshape(-1).tolist()
    builder.add_output_port(name, array.shape, wires)


def _port_format(q: ElementQuantizer) -> Format:
    """Every number that the field's bits hold: the outside world may drive any of them."""
    lo, hi = limits(q.k, q.i + q.f, q.overflow if q.overflow in OVERFLOWS else "WRAP")
    return Format(lo, hi, -q.f).container
