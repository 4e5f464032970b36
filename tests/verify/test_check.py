"""What `check` says, apart from the simulation itself (see journeys)."""

import numpy as np
import pytest

from hgq2rtl.errors import BadOption
from hgq2rtl.verify import CheckResult


def test_a_passed_check_in_one_line():
    assert str(CheckResult(10_000, "cpp")) == (
        "bit-exact: 10000 samples, 0 mismatches (interpreter = Verilator)"
    )
    assert str(CheckResult(5, "cocotb", ("Keras", "interpreter", "Verilator"))) == (
        "bit-exact: 5 samples, 0 mismatches (Keras = interpreter = Verilator)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 0}, "0 samples: a check needs at least one"),
        ({"samples": -3}, "-3 samples: a check needs at least one"),
        ({"x": np.zeros((0, 2))}, "a check needs at least one sample"),
        ({"bench": "spice"}, "there is no bench 'spice': choose from cpp, cocotb"),
    ],
)
def test_checks_that_cannot_be_made(tiny, arguments, message):
    with pytest.raises(BadOption) as caught:
        tiny.check(**arguments)
    assert str(caught.value) == message


def test_one_sample_and_many(tiny):
    assert tiny.check(np.array([[1.0, 2.0]])).samples == 1
    assert tiny.check(samples=3000).samples == 3000
