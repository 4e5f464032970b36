"""Numbers of 60 bits, from a float64 file to Verilog, against integers without limit."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

import hgq2rtl

from ..frontends.archives import Parts, chain, kif_wrap, q_dense, quantizer

N_IN, UNITS = 4, 3
RNG = random.Random(1)


def odd(bits):
    """An odd integer of exactly so many bits, of either sign."""
    return (RNG.getrandbits(bits) | 1 | 1 << (bits - 1)) * RNG.choice((-1, 1))


KERNEL = [[Fraction(odd(53), 2 ** RNG.choice((53, 54, 58))) for _ in range(UNITS)] for _ in "four"]
BIAS = [Fraction(odd(53) << 6, 2**30) for _ in range(UNITS)]


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    """A QDense whose weights, biases and inputs have formats of 60 bits, in float64."""
    layer = q_dense(
        "d",
        UNITS,
        dtype="float64",
        iq_conf=quantizer("kif", "datalane", overflow_mode="WRAP"),
        kq_conf=quantizer("kif", "weight", overflow_mode="SAT"),
        bq_conf=quantizer("kif", "bias", overflow_mode="WRAP"),
    )
    layer["config"]["activation"] = "linear"
    floats = [np.array(KERNEL, np.float64), np.array(BIAS, np.float64)]
    sat = [np.full((N_IN, UNITS), width, np.float32) for width in (1, 59, 1)]
    parts = Parts(
        chain([N_IN], layer),
        {
            "layers/q_dense/vars": [*floats, np.float64(0), np.uint32(0)],
            "layers/q_dense/iq/quantizer/vars": kif_wrap((1, N_IN), f=0, i=60),
            "layers/q_dense/kq/quantizer/vars": sat,
            "layers/q_dense/bq/quantizer/vars": kif_wrap((UNITS,), f=30, i=31),
        },
    )
    return hgq2rtl.compile(parts.write(tmp_path_factory.mktemp("wide") / "wide.keras"))


def exactly(inputs):
    """What the layer means, on numbers without limit."""
    return [
        [sum(x * row[j] for x, row in zip(xs, KERNEL, strict=True)) + BIAS[j] for j in range(UNITS)]
        for xs in inputs
    ]


def answered(pair):
    mantissas, exponents = pair
    return [
        [m * Fraction(2) ** e for m, e in zip(row, exponents.tolist(), strict=True)]
        for row in mantissas.tolist()
    ]


def test_the_constants_need_more_than_53_bits_together():
    """The test would see a constant that is rounded to float32, or a sum to float64."""
    assert all(float(Fraction(np.float32(float(w)).item())) != float(w) for w in sum(KERNEL, []))
    assert all(Fraction(float(y)) != y for y in exactly([[odd(60)] * N_IN])[0])


@pytest.mark.parametrize("simulated", [False, True], ids=["interpreter", "Verilog"])
def test_integers_of_60_bits_go_through_exactly(design, simulated):
    """Catches any rounding of weights, biases, inputs or sums."""
    x = [[odd(60) for _ in range(N_IN)] for _ in range(30)]
    answer = design.simulate if simulated else design.predict
    assert answered(answer(np.array(x, object), exact=True)) == exactly(x)


def test_int64_and_float64_inputs_are_what_they_are(design):
    """Catches integers of an int64 array that pass through a float64."""
    x = [[odd(60) for _ in range(N_IN)] for _ in range(30)]
    assert answered(design.predict(np.array(x, np.int64), exact=True)) == exactly(x)
    floats = np.array(x, np.float64)
    given = [[int(n) for n in row] for row in floats.tolist()]
    assert given != x
    assert answered(design.predict(floats, exact=True)) == exactly(given)
