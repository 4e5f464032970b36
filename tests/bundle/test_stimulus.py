"""Generated inputs: legal, the same every time, and where mistakes hide."""

import numpy as np
import pytest

from hgq2rtl.bundle.stimulus import float_stimulus, port_stimulus
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, ProgramPort
from hgq2rtl.ir.interpreter import Interpreter


def program(*fields, shape=None):
    builder = Builder()
    builder.inputs = [ProgramPort("x", shape or (len(fields),), fields)]
    return builder.build()


SIGNED, UNSIGNED = Format(-128, 127, -3), Format(0, 15, 2)


@pytest.mark.parametrize("samples", [1, 2, 3, 7, 1000])
def test_integers_fit_their_fields(samples):
    many = program(Field(0, SIGNED), Field(1, UNSIGNED), Field(2, Format(0, 0, 0)))
    (m,) = port_stimulus(many, samples)
    assert (m.shape, m.dtype) == ((samples, 3), np.int64)
    for column, (lo, hi) in zip(m.T, [(-128, 127), (0, 15), (0, 0)], strict=True):
        assert lo <= column.min() <= column.max() <= hi


def test_corners_and_the_whole_range_are_there():
    (m,) = port_stimulus(program(Field(0, SIGNED), Field(1, UNSIGNED)), 2000)
    assert m[0].tolist() == [-128, 0]
    for column, corners in zip(
        m.T, ([-128, 127, 0, 1, -1, -127, 126], [0, 15, 1, 14]), strict=True
    ):
        assert all((column == corner).sum() > 10 for corner in corners)
    assert len(np.unique(m[:, 0])) > 200
    assert (np.abs(m[:, 0]) < 8).mean() > 0.1


@pytest.mark.parametrize("bits", [62, 63, 64, 200])
def test_wide_fields(bits):
    format = Format(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0)
    (m,) = port_stimulus(program(Field(0, format)), 300)
    values = [int(n) for n in m[:, 0]]
    assert all(n in format for n in values)
    assert {format.lo, format.hi} <= set(values)
    assert len({n.bit_length() for n in values}) > 10


def test_the_same_seed_gives_the_same_numbers():
    one = program(Field(0, SIGNED))
    assert np.array_equal(port_stimulus(one, 50)[0], port_stimulus(one, 50)[0])
    assert not np.array_equal(port_stimulus(one, 50)[0], port_stimulus(one, 50, seed=1)[0])


def test_a_port_without_fields():
    builder = Builder()
    builder.inputs = [ProgramPort("x", (3,), ())]
    empty = builder.build()
    assert port_stimulus(empty, 5)[0].shape == (5, 0)
    assert float_stimulus(empty, 5)[0].shape == (5, 3)


def test_floats_hit_ties_ends_and_leave_the_range():
    wraps = Field(0, SIGNED, "RND", "WRAP")
    (x,) = float_stimulus(program(wraps), 5000)
    steps = x[:, 0] * 8
    assert x[0, 0] == 0
    assert np.array_equal(x, x.astype(np.float32))
    assert (np.abs(steps % 1 - 0.5) == 0).sum() > 500
    assert 0.1 < ((steps < -128) | (steps > 127)).mean() < 0.6
    assert {-128.0, 127.0, 127.5, -128.5} <= set(steps.tolist())


def test_floats_fit_where_the_user_fixed_the_format():
    exact = program(Field(0, SIGNED), Field(1, UNSIGNED), shape=(1, 2))
    (x,) = float_stimulus(exact, 400)
    assert x.shape == (400, 1, 2)
    (m,) = Interpreter(exact).quantize_inputs([x])
    assert np.array_equal(m * [2.0**-3, 2.0**2], x.reshape(400, 2))


def test_floats_are_scaled_as_the_quantizer_is():
    (x,) = float_stimulus(program(Field(0, UNSIGNED, "RND", "SAT", scaler=4.0)), 400)
    assert np.array_equal(x % 4.0, np.zeros_like(x))
    assert x.max() > 15 * 4 * 4
