"""What only HGQ v1 has: rounding without overflow, declared inputs, stored tables."""

from __future__ import annotations

import numpy as np

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import RNG, Case


def rounding(*modes: str) -> list[Case]:
    """Fraction bits of each element; the format's own integer bits must play no part."""
    f = np.array([1, 0, -2, 5])
    made = [quantizer(i=-9, f=f, rounding=mode, overflow="NONE") for mode in modes]
    return [
        Case(lambda x, q=q: quantized(x, q), ((2, 4),), quantizers={"input": (q,)}) for q in made
    ]


def table(k: int, i: int, f: int, scale: float, shape: tuple[int, ...] = (4,)) -> Case:
    """A table over a format, its negative half last; multiples of `scale`."""
    entries = RNG.integers(-9, 9, 2 ** (k + i + f)) * scale

    def meaning(x: np.ndarray) -> np.ndarray:
        return entries[np.rint(np.ldexp(x, f)).astype(int) % len(entries)]

    q = quantizer(k, i, f, "RND_CONV", "WRAP")
    q = quantizer(*(n.reshape((1,) * len(shape)) for n in (q.k, q.i, q.f)), "RND_CONV", "WRAP")
    return Case(meaning, (shape,), arrays={"table": entries}, quantizers={"input": (q,)})


def overflow(mode: str, rounding: str) -> Case:
    """Formats of each element, the last without bits."""
    k, i, f = np.array([[1, 1, 0, 1, 0], [0, 1, 2, 0, 0], [2, 0, -1, 0, 0]])
    q = quantizer(k, i, f, rounding, "NONE")
    high = 2.0 ** (i + f) - 1
    low = -k * 2.0 ** (i + f)

    def meaning(x: np.ndarray) -> np.ndarray:
        m = np.ldexp(quantized(x, q), f)
        if mode == "SAT_ZERO":
            y = m * ((m >= low) & (m <= high))
        else:
            y = np.array([list(map(reflected, row, low, high)) for row in m])
        return np.ldexp(y, -f) * (k + i + f > 0)

    return Case(meaning, ((5,),), {"overflow": mode}, quantizers={"input": (q,)})


def reflected(m: float, low: float, high: float) -> float:
    """One step at a time: a number beyond an end is mirrored half a step behind it."""
    while not low <= m <= high:
        m = 2 * high + 1 - m if m > high else 2 * low - 1 - m
    return m


CASES = {
    "FixedPointQuantizer": [
        overflow("SAT_ZERO", "TRN"),
        overflow("SAT_ZERO", "RND_CONV"),
        overflow("WRAP_SM", "TRN"),
        overflow("WRAP_SM", "RND"),
    ],
    "HQuantize": rounding("RND", "TRN"),
    "Signature": [Case(lambda x: x, quantizers={"input": (quantizer(f=0),)})],
    "UnaryLUT": [
        table(1, 2, 2, 0.25),
        table(1, 1, 1, 0.125, (2, 3)),
        table(0, 2, 1, 2.0),
        table(1, 4, 3, 1.0),
        table(1, 2, -1, 0.5),
    ],
}
"""Cases for each class."""
