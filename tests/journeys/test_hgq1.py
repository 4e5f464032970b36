"""HGQ v1: the interpreter and the Verilog give what the package computed, bit for bit.

A proxy says how inputs are quantized. A trained model holds no ranges and never overflows: it
gets a format of its inputs, and integer bits from exact intervals.
"""

from pathlib import Path

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import NeedsInputFormat

from .trained import MODELS, ZOO, as_list, index, needs_models

HERE = Path(__file__).resolve().parents[1] / "frontends" / "hgq1"
EXPECTED = np.load(HERE / "expected.npz")
FILES = sorted({key.split("/")[0] for key in EXPECTED.files})
INPUTS = "1,7,6"
"""What holds the inputs of the models of tests/frontends/hgq1: see make.py there."""

ZOO_CASES = [row["name"] for row in index(ZOO) if row["name"].startswith("v1_")]


def saved(name, letter):
    """Arrays ``x0, x1, ..`` or ``y0, y1, ..`` of a file."""
    keys = [key for key in EXPECTED.files if key.startswith(f"{name}/{letter}")]
    return [EXPECTED[key] for key in sorted(keys)]


def compiled(name, **options):
    wish = None if name.startswith("proxy") else INPUTS
    return hgq2rtl.compile(HERE / name, input_format=wish, **options)


def assert_equal(found, wanted):
    found = as_list(found)
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.shape == theirs.shape
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("name", FILES)
def test_models_of_the_package_are_exact(name):
    assert_equal(compiled(name).predict(saved(name, "x")), saved(name, "y"))


@pytest.mark.parametrize(
    "name", ["proxy_wrap.h5", pytest.param("dense.h5", marks=pytest.mark.slow)]
)
def test_their_verilog_is_exact_too(name):
    design = compiled(name, clock_ns=3)
    assert_equal(design.simulate(saved(name, "x")), saved(name, "y"))
    assert design.check(samples=500).mismatches == 0


def test_a_trained_model_needs_a_format_of_its_inputs():
    with pytest.raises(NeedsInputFormat) as caught:
        hgq2rtl.compile(HERE / "dense.h5")
    message = str(caught.value)
    assert message.startswith("h_quantize (HQuantize) in dense.h5 ")
    assert "--input-format k,i,f" in message


def test_a_trained_model_does_not_overflow_at_the_ends_of_its_inputs():
    """Every input at one of its ends: exact intervals hold what comes of it."""
    design = compiled("dense.h5")
    ends = np.array([-128, 128 - 2.0**-6])
    rng = np.random.default_rng(5)
    x = ends[rng.integers(0, 2, (200, 2, 6))]
    wide = hgq2rtl.compile(HERE / "dense.h5", input_format="1,9,6")
    assert np.array_equal(design.predict(x), wide.predict(x))
    assert np.abs(design.predict(x)).max() > np.abs(saved("dense.h5", "y")[0]).max()


@needs_models
@pytest.mark.parametrize("name", ZOO_CASES)
def test_the_zoo_is_exact(name):
    data = np.load(ZOO / f"{name}.npz")
    fraction = next(f for f in range(64) if np.all(data["x0"] * 2.0**f % 1 == 0))
    integer = int(np.abs(data["x0"]).max()).bit_length()
    native = hgq2rtl.compile(ZOO / f"{name}.h5", input_format=(1, integer, fraction))
    assert_equal(native.predict(data["x0"]), [data["y0"]])
    proxy = hgq2rtl.compile(ZOO / f"{name}_proxy.h5")
    assert_equal(proxy.predict(data["x0"]), [data["p0"]])


@needs_models
def test_the_jet_classifier_is_exact():
    design = hgq2rtl.compile(MODELS / "hgq1" / "hgq_jet_classifier.h5")
    for inputs in ("in_range", "wrap"):
        data = np.load(MODELS / "reference" / f"hgq_jet_classifier_{inputs}_hgqv1.npz")
        assert_equal(design.predict(data["x"]), [data["y"]])


@needs_models
@pytest.mark.slow
def test_the_verilog_of_the_jet_classifier_is_exact():
    design = hgq2rtl.compile(MODELS / "hgq1" / "hgq_jet_classifier.h5", clock_ns=4)
    assert design.check(samples=20_000).mismatches == 0
