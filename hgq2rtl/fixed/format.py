"""The format of a wire: an exact interval of mantissas and a static exponent."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..errors import BadProgram


def bit_width(lo: int, hi: int) -> int:
    """Bits that hold every integer of ``[lo, hi]``, with a sign bit if `lo` < 0.

    >>> bit_width(0, 0), bit_width(0, 7), bit_width(-8, 7), bit_width(-1, 0)
    (0, 3, 4, 1)
    """
    if lo < 0:
        return max(hi, -lo - 1).bit_length() + 1
    return hi.bit_length()


def bit_widths(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """:func:`bit_width` for int64 arrays, any shape."""
    magnitude = np.where(lo < 0, np.maximum(hi, -(lo + 1)), hi)
    return _bit_lengths(magnitude) + (lo < 0)


def _bit_lengths(values: np.ndarray) -> np.ndarray:
    # float64 holds 53 bits: take the two halves apart so that none is rounded.
    high, low = values >> 32, values & 0xFFFFFFFF
    return np.where(
        high > 0,
        32 + np.frexp(high.astype(np.float64))[1],
        np.frexp(low.astype(np.float64))[1],
    ).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Format:
    """Mantissas ``lo <= m <= hi`` at ``2**exponent``; the value is ``m * 2**exponent``.

    Signedness and width follow from the interval. The interval ``[0, 0]`` has
    width 0: the constant zero, which needs no wire.
    """

    lo: int
    hi: int
    exponent: int = 0

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise BadProgram(f"the interval [{self.lo}, {self.hi}] is empty: lo must not exceed hi")

    @classmethod
    def from_kif(cls, k: int, i: int, f: int) -> Format:
        """All numbers of `k` sign bits, `i` integer bits and `f` fraction bits.

        ``k + i + f <= 0`` is the constant zero, at exponent ``-f``.
        """
        if k + i + f <= 0:
            return cls(0, 0, -f)
        return cls(-k << (i + f), (1 << (i + f)) - 1, -f)

    @classmethod
    def of_width(cls, width: int, is_signed: bool, exponent: int = 0) -> Format:
        """All numbers of `width` bits."""
        if width == 0:
            return cls(0, 0, exponent)
        if is_signed:
            return cls(-1 << (width - 1), (1 << (width - 1)) - 1, exponent)
        return cls(0, (1 << width) - 1, exponent)

    @property
    def is_signed(self) -> bool:
        return self.lo < 0

    @property
    def width(self) -> int:
        return bit_width(self.lo, self.hi)

    @property
    def is_constant(self) -> bool:
        return self.lo == self.hi

    @property
    def k(self) -> int:
        """Sign bits."""
        return int(self.lo < 0)

    @property
    def i(self) -> int:
        """Integer bits without the sign; may be negative."""
        return self.width - self.k + self.exponent

    @property
    def f(self) -> int:
        """Fraction bits; may be negative."""
        return -self.exponent

    @property
    def kif(self) -> tuple[int, int, int]:
        return self.k, self.i, self.f

    @property
    def container(self) -> Format:
        """The full range of this width and signedness."""
        return Format.of_width(self.width, self.is_signed, self.exponent)

    def __contains__(self, mantissa: int) -> bool:
        return self.lo <= mantissa <= self.hi

    def __str__(self) -> str:
        """``s12e-3``; a range narrower than its width adds ``[lo,hi]``."""
        text = f"{'s' if self.is_signed else 'u'}{self.width}e{self.exponent}"
        return text if self == self.container else f"{text}[{self.lo},{self.hi}]"

    @classmethod
    def parse(cls, text: str) -> Format:
        """Read what :meth:`__str__` writes.

        Raises
        ------
        BadProgram
            If the text is no format, or its interval needs another width.
        """
        match = _TEXT.fullmatch(text)
        if not match:
            raise BadProgram(f"{text[:60]!r} is no format: write for example s12e-3 or u4e0[1,9]")
        sign, width, exponent, lo, hi = match.groups()
        full = cls.of_width(int(width), sign == "s", int(exponent))
        if lo is None:
            return full
        given = cls(int(lo), int(hi), int(exponent))
        if given.container != full:
            raise BadProgram(f"{text!r}: the interval needs {str(given).split('[')[0]}")
        return given


_TEXT = re.compile(r"([su])(\d{1,6})e(-?\d{1,6})(?:\[(-?\d+),(-?\d+)\])?")
