"""The border of an input port: what it takes, what it refuses, and why.

The quantization here runs on Python ints and on :mod:`hgq2rtl.fixed`; the
kernel has a fast form of it. Both refuse the same numbers, in the same words.
"""

from __future__ import annotations

from math import inf
from typing import Any, NoReturn

import numpy as np

from ..errors import BadOption, NotExact
from ..fixed import FLOAT_TYPES, quantize_float
from ..fixed.border import WIDEST_IN_FLOAT64
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
        self.quantizes_exactly = any(_takes_no_float_steps(field) for field in port.fields)
        """Has a float64 quantizer that takes no float steps; see ``fixed.quantize_float``."""

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
                    self.refuse_mantissa(position, sample, m)

    def quantize(self, numbers: np.ndarray) -> list[list[int]]:
        """Floats, or integers as objects, (samples, elements) as mantissas: one list per field."""
        return [self._quantize(n, numbers[:, f.element]) for n, f in enumerate(self.fields)]

    def _quantize(self, position: int, x: np.ndarray) -> list[int]:
        field = self.fields[position]
        is_exact = field.rounding == "EXACT" and field.overflow == "EXACT"
        given = _as_read(x, field, is_exact)
        if given.dtype != object:
            self._refuse_first(position, x, ~np.isfinite(given), "not_finite")
        whole: list[int | None] = []
        if field.rounding == "EXACT":
            whole = [_mantissa(each, field.format.f) for each in given.tolist()]
            self._refuse_first(position, x, [m is None for m in whole], "not_representable")
        mantissas = (
            [m for m in whole if m is not None]
            if is_exact
            else self._framework_mantissas(position, x, given)
        )
        self._refuse_first(position, x, [m not in field.format for m in mantissas], "does_not_fit")
        return mantissas

    def _framework_mantissas(self, position: int, x: np.ndarray, given: np.ndarray) -> list[int]:
        field = self.fields[position]
        rounding = "RND_CONV" if field.rounding == "EXACT" else field.rounding
        overflow = "NONE" if field.overflow == "EXACT" else field.overflow
        k, i, f = map(np.array, field.kif)

        def quantized(some: np.ndarray) -> list[int]:
            mantissas = quantize_float(some, k, i, f, rounding, overflow, field.float_type)
            return list(mantissas.tolist())

        try:
            return quantized(given)
        except NotExact:
            for sample in range(len(given)):
                try:
                    quantized(given[sample : sample + 1])
                except NotExact:
                    self.refuse(position, sample, x[sample], "no_result")
            raise

    def _refuse_first(self, position: int, x: np.ndarray, is_bad: Any, why: str) -> None:
        bad = np.flatnonzero(is_bad)
        if len(bad):
            self.refuse(position, int(bad[0]), x[bad[0]], why)

    # -- words -------------------------------------------------------------------

    def refuse(self, position: int, sample: int, given: Any, why: str) -> NoReturn:
        """Raise the error for one number: `why` is a word of the kernel's Refusal."""
        field = self.fields[position]
        place = f"input {self.name!r}, sample {sample}, element {self._index(field)}"
        raise NotExact(f"{place}: {given} {_reason(field, why)}")

    def refuse_mantissa(self, position: int, sample: int, given: Any) -> NoReturn:
        """Raise the error for one mantissa."""
        format = self.fields[position].format
        raise BadOption(
            f"input {self.name!r}, sample {sample}, field {position}: {given} is outside "
            f"[{format.lo}, {format.hi}], what {format} holds"
        )

    def _index(self, field: Field) -> str:
        if len(self.shape) < 2:
            return str(field.element)
        return str([int(i) for i in np.unravel_index(field.element, self.shape)])


def _reason(field: Field, why: str) -> str:
    format = field.format
    match why:
        case "not_finite":
            return f"is not finite in {field.float_type}. Give finite numbers."
        case "no_result":
            return (
                f"has no {field.float_type} result when it is quantized to {format}. Give smaller "
                "numbers."
            )
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
        f"is quantized to a number that {format} does not hold: {field.float_type} has "
        f"{_PRECISION[field.float_type]} bits, and rounds the framework's result beyond the end "
        "of the format. Give smaller numbers."
    )


def _takes_no_float_steps(field: Field) -> bool:
    only_rounds = field.overflow == "EXACT" and field.rounding != "EXACT"
    is_wide = sum(field.kif) > WIDEST_IN_FLOAT64
    return field.float_type == "float64" and (is_wide or only_rounds)


_PRECISION = {"float32": 24, "float64": 53}


def _as_read(x: np.ndarray, field: Field, is_exact: bool) -> np.ndarray:
    """Numbers as the field's quantizer sees them: scaled, in its float type.

    Without a scaler an exact field, and a float64 one, take integers of any size as they are.
    """
    if field.scaler == 1 and (is_exact or field.float_type == "float64"):
        return x if x.dtype == object else x.astype(np.float64)
    kind = FLOAT_TYPES[field.float_type]
    with np.errstate(all="ignore"):
        scaled: np.ndarray = _as_floats(x).astype(kind) / kind(field.scaler)
    return scaled


def _as_floats(x: np.ndarray) -> np.ndarray:
    """Integers as what rounds to a float only once."""
    if x.dtype != object:
        return x
    if all(-_INT64 <= n < _INT64 for n in x):
        return x.astype(np.int64)
    return np.array([_nearest_float(n) for n in x.tolist()])


def _nearest_float(n: int) -> float:
    try:
        return float(n)
    except OverflowError:
        return inf if n > 0 else -inf


def _mantissa(x: float, f: int) -> int | None:
    """``x * 2**f`` if that is an integer."""
    numerator, denominator = x.as_integer_ratio()
    numerator <<= max(f, 0)
    denominator <<= max(-f, 0)
    return None if numerator % denominator else numerator // denominator
