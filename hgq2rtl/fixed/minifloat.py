"""Minifloats: numbers of a few mantissa and exponent bits, as integers at one exponent.

A minifloat has a sign, `m` mantissa bits besides the hidden one, and binades from
``least`` to ``greatest``; below the least one numbers are subnormal. There is no
infinity and no NaN: what is too large saturates. Every such number is an integer
at the exponent of the finest step, so nothing of it is a float in hardware.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .constant import ExactArray
from .format import Format
from .quantize import round_mantissa


@dataclass(frozen=True, slots=True)
class Minifloat:
    """A minifloat format, and the quantizer to it.

    Parameters
    ----------
    m : int
        Mantissa bits without the hidden one, at least -1. With -1 the hidden bit is missing
        too: a number rounds to 0 or up to the next power of two, and to 0 in the greatest binade.
    e : int
        Exponent bits: there are ``2**e - 1`` binades, or one for ``e <= 1``.
    e0 : int
        The middle binade: numbers there are ``2**e0`` to ``2**(e0 + 1)``.
    """

    m: int
    e: int
    e0: int

    def __post_init__(self) -> None:
        if self.m < -1:
            raise ValueError(f"a minifloat of {self.m} mantissa bits: there are at least -1")

    @property
    def _reach(self) -> int:
        return 1 << max(self.e - 1, 0)

    @property
    def least(self) -> int:
        """The binade of the subnormal numbers and of the least normal ones."""
        return self.e0 + 1 - self._reach

    @property
    def greatest(self) -> int:
        return self.e0 - 1 + self._reach

    @property
    def exponent(self) -> int:
        """Of the finest step."""
        return self.least - self.m

    @property
    def format(self) -> Format:
        """What holds every number of this format.

        >>> str(Minifloat(m=2, e=3, e0=0).format)
        's10e-5[-448,448]'
        """
        spread = self.greatest - self.least
        most = self.most(self.greatest) << spread
        if spread:  # without mantissa bits the second binade reaches further
            most = max(most, self.most(self.greatest - 1) << (spread - 1))
        return Format(-most, most, self.exponent)

    def most(self, binade: int) -> int:
        """The greatest number of steps ``2**(binade - m)`` that a number of `binade` rounds to."""
        return (1 << (self.m + 1)) - (binade == self.greatest)

    def quantize(self, mantissa: int, exponent: int) -> int:
        """The nearest number of the format, ties to even; beyond the greatest it saturates.

        Parameters
        ----------
        mantissa, exponent : int
            The number is ``mantissa * 2**exponent``.

        Returns
        -------
        The result's mantissa, at :attr:`exponent`.
        """
        binade = abs(mantissa).bit_length() - 1 + exponent if mantissa else self.least
        binade = min(max(binade, self.least), self.greatest)
        steps = round_mantissa(mantissa, binade - self.m - exponent, "RND_CONV")
        most = self.most(binade)
        return min(max(steps, -most), most) << (binade - self.least)


def minifloats(values: ExactArray, m: np.ndarray, e: np.ndarray, e0: np.ndarray) -> ExactArray:
    """Constants to minifloats.

    Parameters
    ----------
    values : ExactArray
    m, e, e0 : integer arrays that broadcast to its shape
        See :class:`Minifloat`.

    Returns
    -------
    ExactArray of the shape of `values`.
    """
    shape = values.shape
    columns = (np.broadcast_to(a, shape).reshape(-1).tolist() for a in (m, e, e0))
    formats = [Minifloat(*each) for each in zip(*columns, strict=True)]
    numbers = zip(
        values.mantissa.reshape(-1).tolist(), values.exponent.reshape(-1).tolist(), strict=True
    )
    quantized = [f.quantize(*number) for f, number in zip(formats, numbers, strict=True)]
    fits = all(-(2**63) <= n < 2**63 for n in quantized)
    return ExactArray(
        np.array(quantized, np.int64 if fits else object).reshape(shape),
        np.array([f.exponent for f in formats], np.int64).reshape(shape),
    )
