"""HGQ's merges and reductions, and Keras' merge layers, against Keras' inference of the file.

Widths are random for every element, some of them 0, so that inputs wrap or saturate.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from hgq2rtl.frontends import read
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import FormatWish, lower
from hgq2rtl.passes import run_passes

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
hgq = pytest.importorskip("hgq")

from hgq import layers as Q  # noqa: E402
from hgq.config import LayerConfigScope, QuantizerConfig, QuantizerConfigScope  # noqa: E402

L = keras.layers
PORT = FormatWish(1, 5, 6)


def randomized(model, seed):
    """Widths of every quantizer anew: from -1 to 3 bits on either side of the point."""
    dice = np.random.default_rng(seed)
    for variable in model.variables:
        name, shape = variable.path.rsplit("/", 1)[-1], variable.shape
        if name in ("i", "f", "b"):
            variable.assign(dice.integers(-1, 4, shape).astype(np.float32))
        elif name == "k":
            variable.assign(dice.integers(0, 2, shape).astype(np.uint8))


def numbers(shapes, samples=150, seed=0):
    """A third in range, the others far out, all finer than the quantizers."""
    dice = np.random.default_rng(seed)
    scales = np.where(np.arange(samples) % 3, 11, 6)
    arrays = []
    for shape in shapes:
        m = dice.integers(-1024, 1024, (samples, *shape)) * 2
        scale = scales.reshape(samples, *[1] * len(shape))
        arrays.append(np.clip(m >> (11 - scale), -2048, 2047) / 64)
    return arrays


def assert_exact(build, shapes, path, seed=0):
    """`build` gives the outputs of the inputs of `shapes`."""
    inputs = [keras.Input(shape) for shape in shapes]
    made = build(inputs)
    model = keras.Model(inputs, made)
    randomized(model, seed)
    model.save(path)
    x = numbers(shapes)
    again = keras.models.load_model(path)([a.astype(np.float32) for a in x])
    wanted = [np.asarray(y, np.float64) for y in (again if isinstance(again, list) else [again])]
    graph = read(path)
    wishes = {port.name: PORT for port in graph.inputs}
    got = Interpreter(run_passes(lower(graph, wishes))).predict(x)
    for mine, keras_result in zip(got, wanted, strict=True):
        assert mine.shape == keras_result.shape
        assert np.array_equal(mine, keras_result)


A, B, C = (3, 4), (4,), (1, 4)
QUANTIZED = {
    "add": (lambda x: Q.QAdd()(x), [A, A, A]),
    "add, spread": (lambda x: Q.QAdd()(x), [A, C]),
    "subtract": (lambda x: Q.QSubtract()(x), [B, B]),
    "multiply": (lambda x: Q.QMultiply()(x), [A, A]),
    "multiply three": (lambda x: Q.QMultiply()(x), [B, B, B]),
    "maximum": (lambda x: Q.QMaximum()(x), [A, A, A]),
    "minimum": (lambda x: Q.QMinimum()(x), [A, C]),
    "average of two": (lambda x: Q.QAveragePow2()(x), [A, A]),
    "average of three": (lambda x: Q.QAveragePow2()(x), [A, A, A]),
    "average of six": (lambda x: Q.QAveragePow2()(x), [B] * 6),
    "dot": (lambda x: Q.QDot(axes=-1)(x), [B, B]),
    "dot of matrices": (lambda x: Q.QDot(axes=(2, 1))(x), [(3, 2), (2, 4)]),
    "dot of a matrix and a vector": (lambda x: Q.QDot(axes=(1, 1))(x), [(4, 2), (4,)]),
    "einsum": (lambda x: Q.QEinsum("bij,bkj->bik")(x), [A, (2, 4)]),
    "einsum of vectors": (lambda x: Q.QEinsum("bi,bj->bij")(x), [B, (3,)]),
    "einsum, ellipsis": (lambda x: Q.QEinsum("...ij,...j->...i")(x), [A, B]),
    "sum": (lambda x: Q.QSum(axes=(1, 2), scale=0.25)(x[0]), [A]),
    "sum, kept": (lambda x: Q.QSum(axes=-1, keepdims=True)(x[0]), [(2, 3, 2)]),
    "sum of one axis": (lambda x: Q.QSum(axes=1, scale=2.0)(x[0]), [A]),
    "mean": (lambda x: Q.QMeanPow2(axes=(1, -1))(x[0]), [(3, 2, 2)]),
    "mean of five": (lambda x: Q.QMeanPow2(axes=1, keepdims=True)(x[0]), [(5, 2)]),
    "one configuration for all": (
        lambda x: Q.QAdd(iq_confs=QuantizerConfig("kif", "datalane", overflow_mode="SAT"))(x),
        [A, A],
    ),
    "no input quantizers": (lambda x: Q.QMultiply(enable_iq=False)(x), [A, A]),
    "no EBOPs": (lambda x: Q.QMaximum(enable_ebops=False)(x), [B, B]),
    "shared": (lambda x: (lambda f: f([f([x[0], x[1]]), x[1]]))(Q.QAdd()), [A, A]),
}


@pytest.mark.parametrize("name", QUANTIZED)
def test_merges_of_hgq_are_exact(name, tmp_path):
    """Catches an axis or a scale that is read wrong, and quantizers at the wrong input."""
    build, shapes = QUANTIZED[name]
    assert_exact(build, shapes, tmp_path / "m.keras")


@pytest.mark.parametrize("layer", ["QAdd", "QSubtract", "QMultiply", "QMaximum", "QAveragePow2"])
def test_output_quantizers_of_merges(layer, tmp_path):
    """Catches an output quantizer that is left out."""
    with LayerConfigScope(enable_oq=True):
        assert_exact(lambda x: getattr(Q, layer)()(x), [A, A], tmp_path / "m.keras")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kif", "kbi"])
@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_SYM"])
@pytest.mark.parametrize("rounding", ["TRN", "RND", "RND_CONV"])
def test_merges_with_all_quantizers(kind, overflow, rounding, tmp_path):
    """Catches a mode that a merge does not pass on."""
    options = {"overflow_mode": overflow, "round_mode": rounding, "heterogeneous_axis": (1,)}
    with QuantizerConfigScope(default_q_type=kind, place="datalane", **options):
        for seed, (build, shapes) in enumerate(QUANTIZED.values()):
            assert_exact(build, shapes, tmp_path / "m.keras", seed)


PLAIN = {
    "add": (lambda x: L.Add()(x), [A, A, A]),
    "add, ranks": (lambda x: L.Add()(x), [A, B]),
    "subtract": (lambda x: L.Subtract()(x), [A, C]),
    "multiply": (lambda x: L.Multiply()(x), [B, B]),
    "maximum": (lambda x: L.Maximum()(x), [A, A, A]),
    "minimum": (lambda x: L.Minimum()(x), [A, A]),
    "average": (lambda x: L.Average()(x), [A, A, A, A]),
    "dot": (lambda x: L.Dot(axes=1)(x), [B, B]),
    "dot of matrices": (lambda x: L.Dot(axes=(1, 2))(x), [(3, 2), (4, 3)]),
    "dot of cubes": (lambda x: L.Dot(axes=(-1, 1))(x), [(2, 2, 3), (3, 2)]),
    "dot of a vector and a matrix": (lambda x: L.Dot(axes=(1, 2))(x), [(3,), (4, 3)]),
    "concatenate": (lambda x: L.Concatenate(axis=1)(x), [A, (2, 4)]),
    "repeat": (lambda x: L.RepeatVector(3)(x[0]), [B]),
    "flatten": (lambda x: L.Flatten()(x[0]), [A]),
    "flatten channels": (lambda x: L.Flatten(data_format="channels_first")(x[0]), [(2, 3, 2)]),
    "average of three": (lambda x: Q.QDense(2)(L.Average()(x)), [B, B, B]),
}


@pytest.mark.parametrize("name", PLAIN)
def test_merges_of_keras_are_exact(name, tmp_path):
    """Catches an axis that is read wrong."""
    build, shapes = PLAIN[name]
    assert_exact(build, shapes, tmp_path / "m.keras")
