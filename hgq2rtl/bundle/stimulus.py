"""Inputs that find mistakes: corners, the whole range, and small numbers."""

from __future__ import annotations

import numpy as np

from ..ir import Program, ProgramPort

SEED = 20_261_124


def port_stimulus(program: Program, samples: int, seed: int = SEED) -> list[np.ndarray]:
    """Integers for every field of every input port.

    A sixteenth are corners (each field at an end of its range, at 0, 1 or -1),
    half are uniform over the range, the rest has magnitudes of every bit
    length: what a trained network sees lies there.

    Returns
    -------
    One array (samples, fields) per port: int64, or Python ints beyond.
    """
    rng = np.random.default_rng(seed)
    return [_port(port, samples, rng) for port in program.inputs]


def _port(port: ProgramPort, samples: int, rng: np.random.Generator) -> np.ndarray:
    columns = [_field(f.format.lo, f.format.hi, samples, rng) for f in port.fields]
    if not columns:
        return np.zeros((samples, 0), np.int64)
    is_big = any(column.dtype == object for column in columns)
    return np.stack([c.astype(object) if is_big else c for c in columns], axis=1)


def _field(lo: int, hi: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    corners = [n for n in (lo, hi, 0, 1, -1, lo + 1, hi - 1) if lo <= n <= hi]
    picked = rng.integers(0, len(corners), samples)
    kind = rng.random(samples)
    kind[: min(samples, 3)] = 0.0
    picked[: min(samples, 3)] = [0, min(1, len(corners) - 1), min(2, len(corners) - 1)][:samples]
    bits = max(-lo, hi).bit_length()
    if bits > 62:
        uniform = np.array(
            [lo + int(rng.bytes(bits // 8 + 1).hex(), 16) % (hi - lo + 1) for _ in range(samples)],
            object,
        )
        small = uniform >> rng.integers(0, bits + 1, samples).astype(object)
        ends = np.array(corners, object)
    else:
        uniform = rng.integers(lo, hi, samples, endpoint=True)
        small = uniform >> rng.integers(0, bits + 1, samples)
        ends = np.array(corners, np.int64)
    return np.where(kind < 1 / 16, ends[picked], np.where(kind < 9 / 16, uniform, small))


def float_stimulus(program: Program, samples: int, seed: int = SEED) -> list[np.ndarray]:
    """Floats for every input of the model: in range, far outside, on ties and corners.

    Where the user fixed a port's format, only numbers that fit.

    Returns
    -------
    One float64 array (samples, *shape) per port; every number is exact in float32.
    """
    rng = np.random.default_rng(seed)
    return [_floats(port, samples, rng) for port in program.inputs]


def _floats(port: ProgramPort, samples: int, rng: np.random.Generator) -> np.ndarray:
    out = np.zeros((samples, int(np.prod(port.shape, dtype=np.int64))))
    for field in port.fields:
        if field.format.width == 0 and field.overflow != "EXACT":
            continue
        lo, hi, e = field.format.lo, field.format.hi, field.format.exponent
        if field.overflow == "EXACT":
            mantissa = _float32_exact(_field(lo, hi, samples, rng))
        else:
            # Quarters of a step hit every rounding tie and its neighbours.
            reach = 2**60  # further numbers are far outside any trained format
            quarters = rng.integers(
                max(4 * lo - 8, -reach), min(4 * hi + 8, reach), samples, endpoint=True
            )
            far = rng.integers(-(2**20), 2**20, samples)
            mantissa = np.where(rng.random(samples) < 0.7, quarters / 4, far / 4)
        out[:, field.element] = np.ldexp(mantissa * field.scaler, e)
    out[0] = 0.0
    return out.astype(np.float32).astype(np.float64).reshape(samples, *port.shape)


def _float32_exact(mantissas: np.ndarray) -> np.ndarray:
    """Towards zero to 24 significant bits, which float32 holds: no number leaves its format."""
    magnitude = np.abs(mantissas.astype(object))
    excess = np.array([max(int(m).bit_length() - 24, 0) for m in magnitude], object)
    kept = (magnitude >> excess) << excess
    return np.where(mantissas < 0, -kept, kept).astype(np.float64)
