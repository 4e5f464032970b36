"""The border: floats of a model become integers, exactly as Keras does it.

HGQ computes in float32, or in float64 where the layer's policy says so. A
quantizer multiplies by a power of two (exact), rounds, and wraps or saturates,
each in that float type, where for values beyond its 24 or 53 bits the additions
themselves round. Repeating the same float steps gives the same number for every
input, in range or not; an exact computation would not.

A format that float64 itself does not hold is the exception: there the exact
result stands, and not what the steps would lose of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NotExact
from .constant import exact
from .quantize import quantize, round_mantissa

FLOAT_TYPES = {"float32": np.float32, "float64": np.float64}
"""What a layer may compute in."""

WIDEST_IN_FLOAT64 = 52
"""Bits of a format within which float64 steps are exact for every number of the format."""


def quantize_float(
    x: np.ndarray,
    k: np.ndarray,
    i: np.ndarray,
    f: np.ndarray,
    rounding: str,
    overflow: str,
    float_type: str = "float32",
) -> np.ndarray:
    """Quantize floats as a Keras HGQ quantizer does at inference.

    Parameters
    ----------
    x : array of floats, or of integers of any size
        Values; taken as `float_type` first, as Keras does.
    k, i, f : integer arrays that broadcast to `x`
        Sign bit, integer bits without sign, fraction bits.
    rounding : str
        One of ``fixed.ROUNDINGS``.
    overflow : str
        One of ``fixed.OVERFLOWS``, or ``NONE``: only round.
    float_type : str
        One of :data:`FLOAT_TYPES`: what the steps compute in. With ``float64`` a format of
        more than :data:`WIDEST_IN_FLOAT64` bits, and ``NONE``, is exact arithmetic on the
        numbers as given.

    Returns
    -------
    Mantissas at exponent ``-f``, of the broadcast shape: int64, or Python ints
    where int64 is too small.

    Raises
    ------
    NotExact
        If a value has no finite result (NaN, infinite, or scaled out of range).
    """
    x, k, i, f = np.broadcast_arrays(np.asarray(x), *(np.asarray(a, np.int64) for a in (k, i, f)))
    is_wide = (k + i + f > WIDEST_IN_FLOAT64) | (overflow == "NONE")
    if float_type == "float32" or not np.any(is_wide):
        return _integers(_by_float_steps(x, k, i, f, rounding, overflow, float_type))
    mantissa = np.empty(x.shape, object)
    wide = (x[is_wide], k[is_wide], i[is_wide], f[is_wide])
    mantissa[is_wide] = _by_exact_steps(*wide, rounding, overflow)
    rest = (x[~is_wide], k[~is_wide], i[~is_wide], f[~is_wide])
    mantissa[~is_wide] = _integers(_by_float_steps(*rest, rounding, overflow, float_type))
    fits = all(-(2**63) <= n < 2**63 for n in mantissa.flat)
    return mantissa.astype(np.int64) if fits else mantissa


def _by_exact_steps(
    x: np.ndarray, k: np.ndarray, i: np.ndarray, f: np.ndarray, rounding: str, overflow: str
) -> list[int]:
    """Flat arrays, without any float step."""
    if overflow.startswith("SAT") and x.dtype.kind == "f":
        x = np.clip(x, -np.finfo(x.dtype).max, np.finfo(x.dtype).max)  # infinity saturates
    try:
        numbers = exact(x)
    except NotExact:
        raise _no_result("float64") from None
    rows = zip(numbers.mantissa.tolist(), (-f - numbers.exponent).tolist(), strict=True)
    if overflow == "NONE":
        return [round_mantissa(m, shift, rounding) for m, shift in rows]
    bits = (np.maximum(i, -f) + f).tolist()
    return [
        quantize(m, shift, sign, width, rounding, overflow)
        for (m, shift), sign, width in zip(rows, k.tolist(), bits, strict=True)
    ]


def _by_float_steps(
    x: np.ndarray,
    k: np.ndarray,
    i: np.ndarray,
    f: np.ndarray,
    rounding: str,
    overflow: str,
    float_type: str,
) -> np.ndarray:
    """Whole numbers, as float64."""
    kind = FLOAT_TYPES[float_type]
    with np.errstate(all="ignore"):
        x = x.astype(kind)
        # Weights that are only rounded are not pruned by their width either.
        is_kept = (k + i + f > 0) | (overflow == "NONE")
        i = np.maximum(i, -f)
        if overflow in ("SAT", "SAT_SYM"):
            x = _saturate(x, k, i, f, overflow)
        scaled = np.ldexp(x, f.astype(np.int32)).astype(kind)
        quantized = np.ldexp(round_float(scaled, rounding), -f.astype(np.int32)).astype(kind)
        if overflow == "WRAP":
            quantized = _wrap(quantized, k, i)
        elif overflow == "WRAP_SM":
            quantized = _wrap_triangle(x, quantized, k, i, f)
        mantissa = np.ldexp(quantized.astype(np.float64), f.astype(np.int32))
        mantissa = np.where(is_kept, mantissa, 0.0)
    if not np.all(np.isfinite(mantissa)):
        raise _no_result(float_type)
    return mantissa


def _no_result(float_type: str) -> NotExact:
    return NotExact(
        f"a value is NaN, infinite or too large for its quantizer: {float_type} holds no "
        "result. Give finite numbers."
    )


def _integers(whole: np.ndarray) -> np.ndarray:
    """Whole float64 numbers as int64, or as Python ints where int64 is too small."""
    if np.all(np.abs(whole) < 2.0**63):
        return whole.astype(np.int64)
    flat = [int(n) for n in whole.reshape(-1).tolist()]
    return np.array(flat, object).reshape(whole.shape)


def round_float(s: np.ndarray, mode: str) -> np.ndarray:
    """To whole numbers, in the float type of `s`."""
    half = s.dtype.type(0.5)
    match mode:
        case "TRN":
            return np.floor(s)
        case "RND":
            return np.floor(s + half)
        case "RND_CONV":
            return np.rint(s)
        case "TRN_ZERO":
            return np.trunc(s)
        case "RND_ZERO":
            return -np.sign(s) * np.floor(-np.abs(s) + half)
        case "RND_MIN_INF":
            return -np.floor(-s + half)
        case "RND_INF":
            return np.sign(s) * np.floor(np.abs(s) + half)
    raise ValueError(f"unknown rounding {mode!r}")


def _power(n: np.ndarray, kind: Any) -> np.ndarray:
    return np.ldexp(kind(1), n.astype(np.int32)).astype(kind)


def _saturate(x: np.ndarray, k: np.ndarray, i: np.ndarray, f: np.ndarray, mode: str) -> np.ndarray:
    kind = x.dtype.type
    high = _power(i, kind) - _power(-f, kind)
    low = -k.astype(kind) * (high if mode == "SAT_SYM" else _power(i, kind))
    return np.minimum(np.maximum(x, low), high)


def _wrap(q: np.ndarray, k: np.ndarray, i: np.ndarray) -> np.ndarray:
    kind = q.dtype.type
    bias = k.astype(kind) * _power(i + k - 1, kind)
    return np.mod(q + bias, _power(i + k, kind)) - bias


def _wrap_triangle(
    x: np.ndarray, q: np.ndarray, k: np.ndarray, i: np.ndarray, f: np.ndarray
) -> np.ndarray:
    kind = x.dtype.type
    eps, period = _power(-f, kind), _power(i + k, kind)
    high = _power(i, kind) - eps
    low = -(high + eps) * k.astype(kind)
    is_outer = (np.mod(x / period, kind(2)) >= 1) & (np.abs(x) > eps / kind(2))
    is_folded = np.mod((x + eps / kind(2)) / (period / kind(2)), kind(2)) >= 1
    m = np.mod(q - high - eps, period) + low
    m = np.where(is_folded, -m - eps, m)
    return np.where(is_outer, -m - eps, m)
