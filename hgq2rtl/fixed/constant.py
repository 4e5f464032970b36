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

    Floats of up to 64 bits, and integers of any size.

    Raises
    ------
    NotExact
        If a value is NaN or infinite.

    Examples
    --------
    >>> exact(np.array([0.75, -4.0])).mantissa.tolist()
    [3, -1]
    """
    values = np.asarray(values)
    if values.dtype.kind in "biu" or _are_integers(values):
        return _exact_integers(values)
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


def _are_integers(values: np.ndarray) -> bool:
    return values.dtype == object and all(isinstance(n, int) for n in values.flat)


def _exact_integers(values: np.ndarray) -> ExactArray:
    """Not by way of float64, which rounds integers of more than 53 bits."""
    numbers = values.reshape(-1).tolist()
    trailing = [(n & -n).bit_length() - 1 if n else 0 for n in map(int, numbers)]
    mantissas = [int(n) >> zeros for n, zeros in zip(numbers, trailing, strict=True)]
    fits = all(-(2**63) <= m < 2**63 for m in mantissas)
    return ExactArray(
        np.array(mantissas, np.int64 if fits else object).reshape(values.shape),
        np.array(trailing, np.int64).reshape(values.shape),
    )
