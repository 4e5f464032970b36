"""Rounding and overflow, each defined once, on integers.

Every function works on Python ints without limit and on int64 arrays while
``abs(m) < 2**62`` and shifts stay below 63. The modes are those of the
``ap_fixed`` family: AMD UG1399, "Arbitrary Precision Fixed-Point Data Types",
and for ``WRAP_SM`` the triangle wave of the HGQ quantizers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDINGS = ("TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF")
"""Floor; to nearest with ties up, to even, and then: towards zero, and to
nearest with ties towards zero, away from zero, and down."""

OVERFLOWS = ("WRAP", "SAT", "SAT_SYM", "WRAP_SM")
"""Modulo; saturate; saturate to a symmetric range; wrap as a triangle."""


def round_mantissa(m: Any, shift: int, mode: str) -> Any:
    """Drop `shift` low bits of `m`, rounding by `mode`.

    Parameters
    ----------
    m : int or int64 array, any shape
        Mantissas at exponent ``e``.
    shift : int
        Bits to drop; the result has exponent ``e + shift``. Negative: append zeros.
    mode : str
        One of :data:`ROUNDINGS`.

    Returns
    -------
    Like `m`. Every mode is ``(m + offset) >> shift``, which is what hardware builds.

    Examples
    --------
    >>> [int(round_mantissa(-6, 2, mode)) for mode in ROUNDINGS]      # -1.5
    [-2, -1, -2, -1, -1, -2, -2]
    """
    if shift <= 0:
        return m << -shift
    return (m + rounding_offset(m, shift, mode)) >> shift


def rounding_offset(m: Any, shift: int, mode: str) -> Any:
    """What is added to `m` before its `shift` > 0 low bits are dropped."""
    half = 1 << (shift - 1)
    negative = (m < 0) * 1
    match mode:
        case "TRN":
            return 0
        case "RND":
            return half
        case "RND_MIN_INF":
            return half - 1
        case "RND_CONV":
            return half - 1 + ((m >> shift) & 1)
        case "TRN_ZERO":
            return negative * (2 * half - 1)
        case "RND_ZERO":
            return half - 1 + negative
        case "RND_INF":
            return half - negative
    raise ValueError(f"unknown rounding {mode!r}: use one of {', '.join(ROUNDINGS)}")


def limits(k: int, bits: int, mode: str) -> tuple[int, int]:
    """Least and greatest mantissa of `k` sign bits and `bits` magnitude bits.

    Without any bit (``k + bits <= 0``) the only number is zero.
    """
    if k + bits <= 0:
        return 0, 0
    top = 1 << bits
    if mode == "SAT_SYM":
        return -k * (top - 1), top - 1
    if mode == "WRAP_SM":
        return -top, top - 1
    return -k * top, top - 1


def wrap(m: Any, lo: int, bits: int) -> Any:
    """The number of ``[lo, lo + 2**bits)`` that equals `m` modulo ``2**bits``."""
    return ((m - lo) & ((1 << bits) - 1)) + lo


def quantize(m: Any, shift: int, k: int, bits: int, rounding: str, overflow: str) -> Any:
    """Round `m` and bring it into `k` sign bits and `bits` magnitude bits.

    Parameters
    ----------
    m : int or int64 array, any shape
        Mantissas at exponent ``e``.
    shift : int
        The result has exponent ``e + shift``.
    k, bits : int
        Sign bits (0 or 1) and magnitude bits, ``i + f`` of the kif view.
    rounding, overflow : str
        One of :data:`ROUNDINGS`, :data:`OVERFLOWS`.

    Returns
    -------
    Like `m`; zero everywhere if ``k + bits <= 0``.
    """
    if k + bits <= 0:
        return m * 0
    rounded = round_mantissa(m, shift, rounding)
    lo, hi = limits(k, bits, overflow)
    match overflow:
        case "WRAP":
            return wrap(rounded, lo, k + bits)
        case "SAT" | "SAT_SYM":
            return _clip(rounded, lo, hi)
        case "WRAP_SM":
            return _wrap_triangle(m, rounded, shift, k, bits)
    raise ValueError(f"unknown overflow {overflow!r}: use one of {', '.join(OVERFLOWS)}")


def _clip(m: Any, lo: int, hi: int) -> Any:
    if isinstance(m, np.ndarray):
        return np.clip(m, lo, hi)
    return min(max(m, lo), hi)


def _wrap_triangle(m: Any, rounded: Any, shift: int, k: int, bits: int) -> Any:
    """HGQ's sign-magnitude wrap: the branch is chosen from the unrounded value.

    With ``k = 0`` it leaves its format for negative numbers, as HGQ does.
    """
    if shift < 0:
        m, shift = m << -shift, 0
    period = k + bits
    wrapped = wrap(rounded, -k << bits, period)
    is_outer = ((m >> (shift + period)) & 1) * (2 * abs(m) > (1 << shift))
    # Bit `shift + period` of 2 * m + 2**shift, whose sum may not fit int64.
    is_folded = ((m + ((1 << shift) >> 1)) >> (shift + period - 1)) & 1
    flips = is_outer ^ is_folded
    return wrapped * (1 - 2 * flips) - flips
