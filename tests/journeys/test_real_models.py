"""Networks that other people trained for physics: Keras = interpreter = Verilator."""

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import MissingTool

from .trained import MODELS, needs_models

SAMPLES, SAMPLES_OF_LARGE = 20_000, 2_000
LARGE = 10_000
"""Operations from which on fewer samples must do."""
CORNERS = 500
QUICK = "ebops530"
"""Small, and run every time; the others are marked slow."""

FILES = sorted(MODELS.glob("hgq2/*/*.keras"))
JETS = [path for path in FILES if path.parent.name in ("jsc_openml", "jsc_cernbox")]


def cases(paths):
    return [
        pytest.param(
            path,
            id=f"{path.parent.name}-{path.stem}",
            marks=[] if path.stem == QUICK else [pytest.mark.slow],
        )
        for path in paths
    ]


pytestmark = needs_models


def floats(design):
    """In range, on rounding ties, far outside; then every element at an end of its range."""
    samples = SAMPLES_OF_LARGE if len(design.program) > LARGE else SAMPLES
    stimulus = hgq2rtl.verify.float_stimulus(design.program, samples)
    return [
        np.concatenate([x, corners(port).reshape(CORNERS, *x.shape[1:])])
        for x, port in zip(stimulus, design.program.inputs, strict=True)
    ]


def corners(port):
    """Each element at one end of its range or the other, (CORNERS, elements)."""
    ends = np.zeros((2, int(np.prod(port.shape))))
    for field in port.fields:
        format = field.format
        ends[:, field.element] = np.ldexp([format.lo, format.hi], format.exponent)
    picked = np.random.default_rng(0).integers(0, 2, (CORNERS, ends.shape[1]))
    picked[:2] = [[0], [1]]
    return np.take_along_axis(ends, picked, axis=0)


@pytest.mark.parametrize("path", cases(FILES))
def test_keras_interpreter_and_verilog_agree_on_every_bit(path):
    design = hgq2rtl.compile(path)
    x = floats(design)
    try:
        result = design.check(x, model=path)
    except MissingTool as missing:
        if "hgq2rtl[train]" not in str(missing):
            raise
        pytest.skip(str(missing))
    assert str(result) == (
        f"bit-exact: {len(x[0])} samples, 0 mismatches (Keras = interpreter = Verilator)"
    )


@pytest.mark.parametrize("path", cases(FILES))
def test_plain_operators_agree_too(path):
    """Catches a bit that only cells, or only operators, have right."""
    design = hgq2rtl.compile(path, primitives=False, effort="fast")
    samples = SAMPLES_OF_LARGE if len(design.program) > LARGE else SAMPLES
    assert str(design.check(samples=samples)) == (
        f"bit-exact: {samples} samples, 0 mismatches (interpreter = Verilator)"
    )


@pytest.mark.parametrize("path", cases(JETS))
def test_what_the_samples_of_that_check_are_worth(path):
    design = hgq2rtl.compile(path)
    (x,) = floats(design)
    shares = design.overflow(x)
    assert [share.mode for share in shares if share.place.startswith("input ")] == ["WRAP"]
    assert 0.1 < shares[0].share_of_values < 0.9
    (m,) = design._interpreter.quantize_inputs([x])
    for n, field in enumerate(design.program.inputs[0].fields):
        assert {field.format.lo, field.format.hi, 0} <= set(m[:, n].tolist())
    assert len(np.unique(m, axis=0)) > SAMPLES / 2
    outputs = design.predict(x)
    assert (np.ptp(outputs, axis=0) > 0).sum() >= 5  # some heads of these files are constant


@pytest.mark.slow
@pytest.mark.parametrize("path", JETS, ids=lambda path: path.stem)
def test_a_million_integers_on_the_ports(path):
    design = hgq2rtl.compile(path)
    assert design.check(samples=1_000_000).samples == 1_000_000
