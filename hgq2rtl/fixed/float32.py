"""The border: floats of a model become integers, exactly as Keras does it.

HGQ computes in float32. A quantizer multiplies by a power of two (exact),
rounds, and wraps or saturates, each in float32, where for values beyond 24
bits the additions themselves round. Repeating the same float32 steps gives the
same number for every input, in range or not; an exact computation would not.
"""

from __future__ import annotations

import numpy as np

from ..errors import NotExact

_F = np.float32


def quantize_float32(
    x: np.ndarray, k: np.ndarray, i: np.ndarray, f: np.ndarray, rounding: str, overflow: str
) -> np.ndarray:
    """Quantize floats as a Keras HGQ quantizer does at inference.

    Parameters
    ----------
    x : float array
        Values; taken as float32 first, as Keras does.
    k, i, f : integer arrays that broadcast to `x`
        Sign bit, integer bits without sign, fraction bits.
    rounding : str
        One of ``fixed.ROUNDINGS``.
    overflow : str
        One of ``fixed.OVERFLOWS``, or ``NONE``: only round.

    Returns
    -------
    int64 array of the broadcast shape: mantissas at exponent ``-f``.

    Raises
    ------
    NotExact
        If a value has no finite result in float32 (NaN, infinite, or scaled out of range).
    """
    with np.errstate(all="ignore"):
        x = np.asarray(x).astype(_F)
        k, i, f = (np.asarray(a, np.int64) for a in (k, i, f))
        # Weights that are only rounded are not pruned by their width either.
        is_kept = (k + i + f > 0) | (overflow == "NONE")
        i = np.maximum(i, -f)
        if overflow in ("SAT", "SAT_SYM"):
            x = _saturate(x, k, i, f, overflow)
        scaled = np.ldexp(x, f.astype(np.int32)).astype(_F)
        quantized = np.ldexp(round_float(scaled, rounding), -f.astype(np.int32)).astype(_F)
        if overflow == "WRAP":
            quantized = _wrap(quantized, k, i)
        elif overflow == "WRAP_SM":
            quantized = _wrap_triangle(x, quantized, k, i, f)
        mantissa = np.ldexp(quantized.astype(np.float64), f.astype(np.int32))
        mantissa = np.where(is_kept, mantissa, 0.0)
    if not np.all(np.abs(mantissa) < 2.0**62):
        raise NotExact(
            "a value is NaN, infinite or too large for its quantizer: float32 holds no result. "
            "Give finite numbers."
        )
    return mantissa.astype(np.int64)


def round_float(s: np.ndarray, mode: str) -> np.ndarray:
    """To whole numbers, in the float type of `s`."""
    half = _F(0.5)
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


def _power(n: np.ndarray) -> np.ndarray:
    return np.ldexp(_F(1), n.astype(np.int32)).astype(_F)


def _saturate(x: np.ndarray, k: np.ndarray, i: np.ndarray, f: np.ndarray, mode: str) -> np.ndarray:
    high = _power(i) - _power(-f)
    low = -k.astype(_F) * (high if mode == "SAT_SYM" else _power(i))
    return np.minimum(np.maximum(x, low), high)


def _wrap(q: np.ndarray, k: np.ndarray, i: np.ndarray) -> np.ndarray:
    bias = k.astype(_F) * _power(i + k - 1)
    return np.mod(q + bias, _power(i + k)) - bias


def _wrap_triangle(
    x: np.ndarray, q: np.ndarray, k: np.ndarray, i: np.ndarray, f: np.ndarray
) -> np.ndarray:
    eps, period = _power(-f), _power(i + k)
    high = _power(i) - eps
    low = -(high + eps) * k.astype(_F)
    is_outer = (np.mod(x / period, _F(2)) >= 1) & (np.abs(x) > eps / _F(2))
    is_folded = np.mod((x + eps / _F(2)) / (period / _F(2)), _F(2)) >= 1
    m = np.mod(q - high - eps, period) + low
    m = np.where(is_folded, -m - eps, m)
    return np.where(is_outer, -m - eps, m)
