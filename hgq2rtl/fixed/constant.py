"""Arrays of exact constants: integers at one exponent per element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import NotExact


@dataclass(frozen=True, eq=False)
class ExactArray:
    """``mantissa * 2**exponent``, element by element.

    `mantissa` is an int64 array, or one of Python ints where int64 is too
    small; `exponent` an int64 array of the same shape.
    """

    mantissa: np.ndarray
    exponent: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.mantissa.shape

    def __getitem__(self, key: Any) -> ExactArray:
        return ExactArray(self.mantissa[key], self.exponent[key])

    def reshape(self, *shape: int) -> ExactArray:
        return ExactArray(self.mantissa.reshape(*shape), self.exponent.reshape(*shape))

    def transpose(self, axes: tuple[int, ...]) -> ExactArray:
        return ExactArray(self.mantissa.transpose(axes), self.exponent.transpose(axes))

    def broadcast_to(self, shape: tuple[int, ...]) -> ExactArray:
        return ExactArray(
            np.broadcast_to(self.mantissa, shape), np.broadcast_to(self.exponent, shape)
        )

    def to_float(self) -> np.ndarray:
        """float64, exact while mantissas have at most 53 bits."""
        return np.ldexp(self.mantissa.astype(np.float64), self.exponent.astype(np.int32))


def exact(values: np.ndarray | float) -> ExactArray:
    """Numbers as integers times powers of two: odd mantissas, zero at exponent 0.

    Floats and integers of any size, also side by side in an object array.

    Raises
    ------
    NotExact
        If a value is NaN or infinite, or a fraction that is no binary one.

    Examples
    --------
    >>> exact(np.array([0.75, -4.0])).mantissa.tolist()
    [3, -1]
    """
    values = np.asarray(values)
    if values.dtype.kind in "biuO" or values.dtype.itemsize > 8:
        return _exact_ratios(values)
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise NotExact("a constant is NaN or infinite: it has no exact form")
    fraction, power = np.frexp(values)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    exponent = power.astype(np.int64) - 53
    low_bit = mantissa & -mantissa
    trailing = np.where(mantissa == 0, 0, np.frexp(low_bit.astype(np.float64))[1] - 1)
    return ExactArray(
        mantissa >> trailing, np.where(mantissa == 0, 0, exponent + trailing).astype(np.int64)
    )


def _exact_ratios(values: np.ndarray) -> ExactArray:
    """One by one, not by way of float64, which rounds numbers of more than 53 bits."""
    ratios = [_ratio(n) for n in values.reshape(-1).tolist()]
    trailing = [(n & -n).bit_length() - 1 if n else 0 for n, _ in ratios]
    mantissas = [n >> zeros for (n, _), zeros in zip(ratios, trailing, strict=True)]
    exponents = [zeros - power for (_, power), zeros in zip(ratios, trailing, strict=True)]
    fits = all(-(2**63) <= m < 2**63 for m in mantissas)
    return ExactArray(
        np.array(mantissas, np.int64 if fits else object).reshape(values.shape),
        np.array(exponents, np.int64).reshape(values.shape),
    )


def _ratio(number: Any) -> tuple[int, int]:
    """`number` as ``n / 2**power``."""
    if isinstance(number, np.integer | np.bool_):
        number = int(number)
    if not hasattr(number, "as_integer_ratio"):
        raise NotExact(f"a constant is {number!r:.40}, which is no real number")
    try:
        numerator, denominator = number.as_integer_ratio()
    except (OverflowError, ValueError):
        raise NotExact("a constant is NaN or infinite: it has no exact form") from None
    if denominator & (denominator - 1):
        raise NotExact(f"a constant is {number}, which is no binary fraction: it has no exact form")
    return numerator, denominator.bit_length() - 1
