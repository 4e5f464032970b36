"""The border of an input port: what it takes, what it refuses, and why.

The quantization here runs on Python ints and on :mod:`hgq2rtl.fixed`; the
kernel has a fast form of it. Both refuse the same numbers, in the same words.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..errors import BadOption, NotExact
from ..fixed import quantize_float32
from .program import Field, ProgramPort

_INT64 = 2**63


class InputPort:
    """Checks and quantizes what a user gives to port `number` of a Program."""

    def __init__(self, port: ProgramPort, number: int):
        self.name = port.name
        self.shape = port.shape
        self.fields = port.fields
        self.number = number
        self.fits_int64 = all(
            -_INT64 <= field.format.lo and field.format.hi < _INT64 for field in port.fields
        )

    # -- arrays ----------------------------------------------------------------

    def check_shape(self, array: np.ndarray, wanted: tuple[int, ...], what: str) -> None:
        if array.ndim == 0 or array.shape[1:] != wanted:
            text = ", ".join(["samples", *map(str, wanted)])
            raise BadOption(
                f"input {self.name!r}: the {what} have shape {array.shape}: give ({text})"
            )

    def check_integers(self, array: np.ndarray) -> None:
        """Refuse the first mantissa (samples, fields) that its field does not hold."""
        for sample, row in enumerate(array.tolist()):
            for position, m in enumerate(row):
                if m not in self.fields[position].format:
                    self.refuse(position, sample, m, "does_not_fit")

    def quantize(self, floats: np.ndarray) -> list[list[int]]:
        """Floats (samples, elements) as mantissas: one list per field."""
        return [self._quantize(n, floats[:, f.element]) for n, f in enumerate(self.fields)]

    def _quantize(self, position: int, x: np.ndarray) -> list[int]:
        field = self.fields[position]
        is_exact = field.rounding == "EXACT" and field.overflow == "EXACT"
        with np.errstate(all="ignore"):
            single = x.astype(np.float32) / np.float32(field.scaler)
        given = x.astype(np.float64) if is_exact and field.scaler == 1 else single
        self._refuse_first(position, x, ~np.isfinite(given), "not_finite")
        whole: list[int | None] = []
        if field.rounding == "EXACT":
            whole = [_mantissa(each, field.format.f) for each in given.astype(np.float64).tolist()]
            self._refuse_first(position, x, [m is None for m in whole], "not_representable")
        mantissas = (
            [m for m in whole if m is not None]
            if is_exact
            else self._framework_mantissas(position, x, single)
        )
        self._refuse_first(position, x, [m not in field.format for m in mantissas], "does_not_fit")
        return mantissas

    def _framework_mantissas(self, position: int, x: np.ndarray, single: np.ndarray) -> list[int]:
        field = self.fields[position]
        rounding = "RND_CONV" if field.rounding == "EXACT" else field.rounding
        overflow = "NONE" if field.overflow == "EXACT" else field.overflow
        k, i, f = map(np.array, field.kif)

        def quantized(some: np.ndarray) -> list[int]:
            return list(quantize_float32(some, k, i, f, rounding, overflow).tolist())

        try:
            return quantized(single)
        except NotExact:
            for sample, each in enumerate(single):
                try:
                    quantized(each[None])
                except NotExact:
                    self.refuse(position, sample, x[sample], "no_float32_result")
            raise

    def _refuse_first(self, position: int, x: np.ndarray, is_bad: Any, why: str) -> None:
        bad = np.flatnonzero(is_bad)
        if len(bad):
            self.refuse(position, int(bad[0]), x[bad[0]], why)

    # -- words -------------------------------------------------------------------

    def refuse(self, position: int, sample: int, given: Any, why: str) -> NoReturn:
        """Raise the error for one number: `why` is a word of the kernel's Refusal."""
        field = self.fields[position]
        if not isinstance(given, (float, np.floating)):
            raise BadOption(
                f"input {self.name!r}, sample {sample}, field {position}: {given} is outside "
                f"[{field.format.lo}, {field.format.hi}], what {field.format} holds"
            )
        place = f"input {self.name!r}, sample {sample}, element {self._index(field)}"
        raise NotExact(f"{place}: {given} {_reason(field, why)}")

    def _index(self, field: Field) -> str:
        if len(self.shape) < 2:
            return str(field.element)
        return str([int(i) for i in np.unravel_index(field.element, self.shape)])


def _reason(field: Field, why: str) -> str:
    format = field.format
    match why:
        case "not_finite":
            return "is not finite in float32. Give finite numbers."
        case "no_float32_result":
            return f"has no float32 result when it is quantized to {format}. Give smaller numbers."
        case "not_representable":
            return (
                f"is no multiple of 2**{format.exponent}, and the port takes only numbers that "
                f"{format} holds exactly. Round them first."
            )
    if field.overflow == "EXACT":
        return (
            f"is outside [{format.lo}, {format.hi}] * 2**{format.exponent}, and the port takes "
            f"only numbers that {format} holds exactly. Clip them first."
        )
    return (
        f"is quantized to a number that {format} does not hold: float32 has 24 bits, and "
        "rounds the framework's result beyond the end of the format. Give smaller numbers."
    )


def _mantissa(x: float, f: int) -> int | None:
    """``x * 2**f`` if that is an integer."""
    numerator, denominator = x.as_integer_ratio()
    numerator <<= max(f, 0)
    denominator <<= max(-f, 0)
    return None if numerator % denominator else numerator // denominator
