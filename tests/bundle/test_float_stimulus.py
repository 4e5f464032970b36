"""Generated floats are numbers that the ports take."""

import numpy as np
import pytest

from hgq2rtl.bundle.stimulus import float_stimulus, port_stimulus
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, ProgramPort
from hgq2rtl.ir.interpreter import Interpreter


def program_of(*fields):
    builder = Builder([ProgramPort("x", (len(fields),), fields)])
    wires = [builder.input(0, n) for n in range(len(fields))]
    builder.add_output_port("y", (len(fields),), wires)
    return builder.build()


@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("bits", [1, 7, 24, 25, 31, 53, 62, 63])
@pytest.mark.parametrize("f", [-3, 0, 60])
def test_a_port_that_the_user_fixed_takes_every_generated_number(k, bits, f):
    """Catches corners that float32 rounds out of the format."""
    program = program_of(Field(0, Format.from_kif(k, bits - f, f)))
    floats = float_stimulus(program, 500)
    assert np.array_equal(floats[0], floats[0].astype(np.float32))
    given = Interpreter(program).quantize_inputs(floats)[0]
    assert len(np.unique(given.astype(object))) > 1


def test_wide_quantized_fields_get_numbers_too():
    """Catches an overflow of int64 in the range of quarters of a step."""
    format = Format.from_kif(1, 62, 0)
    (floats,) = float_stimulus(program_of(Field(0, format, "RND", "WRAP")), 50)
    assert np.isfinite(floats).all()


def test_integers_stay_in_their_fields_at_any_width():
    fields = [Field(n, Format.from_kif(k, b, 0)) for n, (k, b) in enumerate([(1, 3), (0, 80)])]
    (given,) = port_stimulus(program_of(*fields), 300)
    for column, field in zip(given.T.tolist(), fields, strict=True):
        assert all(m in field.format for m in column)
        assert {field.format.lo, field.format.hi} <= set(column)
