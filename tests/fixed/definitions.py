"""What rounding and overflow mean, on numbers without limit: definitions, not algorithms.

Slow and literal on purpose. ``wrap_triangle`` is the float formula of the HGQ quantizers
(research/hgq.md, 1.2), evaluated on Fractions, where nothing rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

HALF = Fraction(1, 2)


def _nearest(x: Fraction, prefer: Callable[[int, int], int]) -> int:
    """The integer nearest to `x`; at a tie `prefer` chooses between the lower and the upper."""
    below, above = math.floor(x), math.ceil(x)
    if x - below == above - x:
        return prefer(below, above)
    return below if x - below < above - x else above


ROUND: dict[str, Callable[[Fraction], int]] = {
    "TRN": math.floor,
    "RND": lambda x: _nearest(x, max),
    "RND_CONV": lambda x: _nearest(x, lambda a, b: a if a % 2 == 0 else b),
    "TRN_ZERO": math.trunc,
    "RND_ZERO": lambda x: _nearest(x, lambda a, b: min(a, b, key=abs)),
    "RND_INF": lambda x: _nearest(x, lambda a, b: max(a, b, key=abs)),
    "RND_MIN_INF": lambda x: _nearest(x, min),
}


@lru_cache(maxsize=4096)
def scaled_and_rounded(m: int, shift: int, rounding: str) -> tuple[Fraction, int]:
    """``m / 2**shift``, and the integer that `rounding` makes of it."""
    x = Fraction(m) / Fraction(2) ** shift
    return x, ROUND[rounding](x)


def quantized(m: int, shift: int, k: int, bits: int, rounding: str, overflow: str) -> int:
    """``m / 2**shift`` on the grid of `k` sign bits and `bits` magnitude bits."""
    if k + bits <= 0:
        return 0
    x, rounded = scaled_and_rounded(m, shift, rounding)
    greatest = 2**bits - 1
    match overflow:
        case "WRAP":
            return wrapped(rounded, -k * 2**bits, k + bits)
        case "SAT":
            return min(max(rounded, -k * 2**bits), greatest)
        case "SAT_SYM":
            return min(max(rounded, -k * greatest), greatest)
    return wrap_triangle(x, rounded, k, bits)


def wrapped(n: int, lo: int, bits: int) -> int:
    """The number of ``[lo, lo + 2**bits)`` that differs from `n` by a multiple of ``2**bits``."""
    distance = (n - lo) // 2**bits
    found = n - distance * 2**bits
    assert lo <= found < lo + 2**bits
    return found


def wrap_triangle(x: Fraction, q: int, k: int, bits: int) -> int:
    """HGQ's ``WRAP_SM``, in units of one step: ``eps`` is 1, `x` the unrounded number."""
    eps = 1
    high = 2**bits - eps
    low = -(high + eps) * k
    period = 2 ** (bits + k)
    is_outer = (x / period) % 2 >= 1 and abs(x) > Fraction(eps, 2)
    is_folded = ((x + Fraction(eps, 2)) / Fraction(period, 2)) % 2 >= 1
    m = (q - high - eps) % period + low
    if is_folded:
        m = -m - eps
    return -m - eps if is_outer else m


def minifloat(x: Fraction, m: int, e: int, e0: int) -> Fraction:
    """The nearest minifloat of `m` mantissa and `e` exponent bits around ``2**e0``."""
    reach = max(Fraction(2) ** (e - 1), Fraction(1))
    low, high = -reach + e0 + 1, reach + e0 - 1
    binade = low
    while binade < high and abs(x) >= Fraction(2) ** (binade + 1):
        binade += 1
    step = Fraction(2) ** (binade - m)
    steps = Fraction(round(x / step))
    most = Fraction(2) ** (m + 1) - (1 if binade == high else 0)
    return min(max(steps, -most), most) * step
