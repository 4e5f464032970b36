"""HGQ v1 files: what the records hold, and that nothing else is taken for a model.

``hgq1/`` holds small models that the real package made, with what it computes (``make.py``
there says how). Where records need no other layer class than those below, they are evaluated
here; the journeys compile all of them.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import hgq2rtl.errors
from hgq2rtl.errors import BadModelFile, Hgq2rtlError, UnsupportedLayer
from hgq2rtl.frontends import read

from .evaluate import quantized
from .h5_files import (
    formats,
    keras2_input,
    keras2_layer,
    keras2_model,
    quantizer_options,
    write_h5,
)

HERE = Path(__file__).with_name("hgq1")
MODELS = Path(__file__).resolve().parents[3] / "shared" / "models"
BAD = MODELS / "zoo" / "bad"
ADVICE = "The file is damaged or was edited; save the model again."

needs_models = pytest.mark.skipif(
    not MODELS.is_dir(), reason="the models of ../shared/models are not there"
)


def computed(graph, *inputs):
    """What a graph of dense layers computes, in float64 behind its quantizers."""
    values = {p.tensor: x.astype(np.float64) for p, x in zip(graph.inputs, inputs, strict=True)}
    for call in graph.calls:
        layer, [x] = call.layer, [values[t] for t in call.inputs]
        match layer.class_name:
            case "Quantizer" | "HQuantize" | "Signature":
                y = quantized(x, layer.quantizers["input"][0])
            case "Dense":
                assert layer.config["activation"] == "linear"
                y = x @ layer.arrays["kernel"].astype(np.float64) + layer.arrays.get("bias", 0)
            case "ReLU":
                y = np.maximum(x, 0)
            case "Activation":
                assert layer.config["activation"] == "relu"
                y = np.maximum(x, 0)
            case "UnaryLUT":
                q, table = layer.quantizers["input"][0], layer.arrays["table"]
                y = table[np.ldexp(quantized(x, q), q.f).astype(int) % len(table)]
        assert y.shape[1:] == graph.shapes[call.outputs[0]]
        values[call.outputs[0]] = y
    return [values[port.tensor] for port in graph.outputs]


# -- models of the real package --------------------------------------------------


def test_batch_norms_and_rounding_strategies_are_exact():
    expected = np.load(HERE / "expected.npz")
    [y] = computed(read(HERE / "dense.h5"), expected["dense.h5/x0"])
    assert np.array_equal(y, expected["dense.h5/y0"])
    assert len(np.unique(y)) > 50


@needs_models
@pytest.mark.parametrize("name", ["v1_dense", "v1_dense_proxy", "v1_tanh_table_proxy"])
def test_dense_networks_of_the_zoo_are_exact(name):
    is_proxy = name.endswith("_proxy")
    data = np.load(MODELS / "zoo" / f"{name.removesuffix('_proxy')}.npz")
    [y] = computed(read(MODELS / "zoo" / f"{name}.h5"), data["x0"])
    assert np.array_equal(y, data["p0" if is_proxy else "y0"])


@needs_models
@pytest.mark.parametrize("inputs", ["in_range", "wrap"])
def test_the_jet_classifier_is_exact(inputs):
    data = np.load(MODELS / "reference" / f"hgq_jet_classifier_{inputs}_hgqv1.npz")
    [y] = computed(read(MODELS / "hgq1" / "hgq_jet_classifier.h5"), data["x"])
    assert np.array_equal(y, data["y"])


def test_a_model_is_the_same_in_both_forms():
    """Both hold the same structure; only weights were drawn anew."""
    one, other = (read(HERE / f"nested.{form}") for form in ("h5", "keras"))
    assert [c.layer.name for c in one.calls] == [c.layer.name for c in other.calls]
    assert [(c.inputs, c.outputs) for c in one.calls] == [
        (c.inputs, c.outputs) for c in other.calls
    ]
    assert [port.name for port in one.outputs] == ["chain", "chain_1", "inner", "inner_1"]
    assert (one.origin, other.origin) == (
        "HGQ v1 file (Keras 2.15.0)",
        "HGQ v1 archive (Keras 2.15.0)",
    )


def test_a_trained_layer_becomes_a_chain():
    graph = read(HERE / "dense.h5")
    chain = [(call.layer.name, call.layer.class_name) for call in graph.calls[1:4]]
    assert chain == [
        ("h_dense_batch_norm", "Dense"),
        ("h_dense_batch_norm/quantizer", "HQuantize"),
        ("h_dense_batch_norm/relu", "ReLU"),
    ]
    assert [call.inputs for call in graph.calls[1:]] == [call.outputs for call in graph.calls[:-1]]
    q = graph.calls[2].layer.quantizers["input"][0]
    assert q.overflow == "NONE"


@needs_models
@pytest.mark.parametrize(
    "case",
    [
        row
        for row in (json.loads((BAD / "index.json").read_text()) if BAD.is_dir() else [])
        if row["kind"] == "v1"
    ],
    ids=lambda row: row["file"],
)
def test_a_file_made_to_break_readers(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        graph, found = read(BAD / case["file"]), "ok"
    except Hgq2rtlError as error:
        graph, found = None, type(error).__name__
        assert str(error).isprintable() and case["file"] in str(error)
    assert not list(tmp_path.iterdir())
    if case["family"] == "NeedsInputFormat":
        assert found == "ok"  # whether an input has a format is the lowering's to know
        return
    assert found in case["accept"]
    if graph is None:
        assert issubclass(getattr(hgq2rtl.errors, found), Hgq2rtlError)
    else:
        outputs = computed(graph, *map(np.array, case["reference"]["x"]))
        assert [y.tolist() for y in outputs] == case["reference"]["y"]


# -- records ---------------------------------------------------------------------


def proxy(path, variables, rounding="TRN", overflow="WRAP"):
    """A model that is one FixedPointQuantizer."""
    options = quantizer_options(variables[0][1].shape[-1], rounding, overflow)
    model = keras2_model(
        keras2_input("x", 3), keras2_layer("FixedPointQuantizer", "q", "x", **options)
    )
    return read(write_h5(path / "net.h5", model, {"q": variables}))


def test_formats_count_the_sign_in_width_and_integer_bits(tmp_path):
    graph = proxy(tmp_path, formats((1, 4, 2), (0, 3, 5), (1, 0, 7)), "RND_CONV", "SAT")
    [call] = graph.calls
    q = call.layer.quantizers["input"][0]
    assert (call.layer.class_name, q.rounding, q.overflow) == ("Quantizer", "RND_CONV", "SAT")
    assert (q.k.tolist(), q.i.tolist(), q.f.tolist()) == ([1, 0, 0], [1, 5, 0], [2, -2, 0])


@pytest.mark.parametrize("mode", ["SAT_ZERO", "WRAP_SM"])
def test_overflow_modes_that_only_hgq_v1_has_keep_their_class(tmp_path, mode):
    [call] = proxy(tmp_path, formats((1, 4, 2)), "RND", mode).calls
    q = call.layer.quantizers["input"][0]
    assert (call.layer.class_name, call.layer.config) == ("FixedPointQuantizer", {"overflow": mode})
    assert (q.rounding, q.overflow, q.i.tolist()) == ("RND", "NONE", [1])


def test_one_format_for_all(tmp_path):
    [call] = proxy(tmp_path, formats((1, 4, 2))).calls
    assert call.layer.quantizers["input"][0].k.shape == (1,)


@pytest.mark.parametrize(
    "kbi",
    [(2, 4, 2), (-1, 4, 2), (1, -3, 2), (1, 65, 2), (1, 4, 70), (1, 4, -65), (1, 60, -10)],
)
def test_formats_that_are_none(tmp_path, kbi):
    with pytest.raises(BadModelFile) as caught:
        proxy(tmp_path, formats((1, 4, 2), kbi, (1, 4, 2)))
    k, b, i = kbi
    assert str(caught.value) == (
        f"q (FixedPointQuantizer) in net.h5: the format keep_negative = {k}, bits = {b}, "
        f"integers = {i} is none: a sign is 0 or 1, and widths are whole numbers within 64, the "
        f"first of them not negative. {ADVICE}"
    )


@pytest.mark.parametrize("which", [0, 1, 2])
def test_widths_that_are_no_whole_numbers(tmp_path, which):
    variables = formats((1, 4, 2))
    variables[which] = (variables[which][0], np.array([[0.5]]))
    with pytest.raises(BadModelFile, match=r"= 0\.5"):
        proxy(tmp_path, variables)


def table_model(path, entries):
    options = {"kif_in": [1, 0, 1], "kif_out": [1, 1, 1]}
    model = keras2_model(keras2_input("x", 3), keras2_layer("UnaryLUT", "t", "x", **options))
    return read(write_h5(path / "net.h5", model, {"t": [("table:0", np.float32(entries))]}))


def test_a_table_takes_its_input_to_its_own_format(tmp_path):
    [call] = table_model(tmp_path, [0, 0.5, -2, 1.5]).calls
    q = call.layer.quantizers["input"][0]
    assert (call.layer.class_name, q.rounding, q.overflow) == ("UnaryLUT", "RND_CONV", "WRAP")
    assert (q.k.tolist(), q.i.tolist(), q.f.tolist()) == ([1], [0], [1])
    assert call.layer.arrays["table"].tolist() == [0, 0.5, -2, 1.5]


@pytest.mark.parametrize("entry", [0.25, 2, -2.5])
def test_a_table_with_numbers_beyond_its_format(tmp_path, entry):
    with pytest.raises(BadModelFile) as caught:
        table_model(tmp_path, [0, 0.5, entry, 1.5])
    assert str(caught.value) == (
        f"t (UnaryLUT) in net.h5: the table holds {entry:g}, which is no number of its format "
        f"kif_out = (1, 1, 1). {ADVICE}"
    )


def trained(path, class_name="HQuantize", shape=(3,), options=None, **variables):
    """A model that is one trained layer."""
    own = {"paq_conf": {}, "kq_conf": {}, "beta": 0.0, **(options or {})}
    model = keras2_model(keras2_input("x", *shape), keras2_layer(class_name, "h", "x", **own))
    stored = {name: np.float32(value) for name, value in variables.items()}
    stored |= {"beta": np.float32(0), "bops": np.float32(0)}
    weights = {"h": [(f"h/{name}:0", value) for name, value in stored.items()]}
    return read(write_h5(path / "net.h5", model, weights))


def fractions(graph):
    return graph.calls[-1].layer.quantizers["input"][0].f.tolist()


def test_widths_are_clipped_and_rounded_half_to_even(tmp_path):
    widths = [[2.5, 3.5, -40]]
    assert fractions(trained(tmp_path, activation_bw=widths)) == [2, 4, -23]
    options = {"paq_conf": {"bw_clip": [-2, 2.5]}}
    assert fractions(trained(tmp_path, options=options, activation_bw=widths)) == [2, 2, -2]
    options = {"paq_conf": {"bw_clip": None}}
    wide = [[200, -200, 0]]
    assert fractions(trained(tmp_path, options=options, activation_bw=wide)) == [64, -64, 0]


def test_a_declared_format_becomes_that_of_a_raw_input(tmp_path):
    options = {"keep_negative": [[1, 0, 1]], "bits": [[4, 3, 0]], "int_bits": [[2, 3, 1]]}
    model = keras2_model(keras2_input("x", 3), keras2_layer("Signature", "s", "x", **options))
    [call] = read(write_h5(tmp_path / "net.h5", model, {})).calls
    q = call.layer.quantizers["input"][0]
    assert (call.layer.class_name, q.rounding, q.overflow) == ("Signature", "TRN", "WRAP")
    assert (q.k.tolist(), q.i.tolist(), q.f.tolist()) == ([1, 0, 0], [1, 3, 0], [2, 0, 0])


DENSE = {"units": 2, "activation": "linear", "use_bias": True}
NORM = {
    "kernel": np.ones((3, 2)),
    "bias": [0, 0],
    "kernel_bw": np.full((3, 2), 3),
    "activation_bw": [[2, 2]],
    "bn_beta": [0, 0.5],
    "bn_gamma": [2, 1],
    "moving_mean": [0, 1],
    "moving_variance": [0.5, 3.5],
}


def normalized(path, options=None, **changes):
    given = {**DENSE, "epsilon": 0.5, **(options or {})}
    return trained(path, "HDenseBatchNorm", (3,), given, **{**NORM, **changes})


def test_a_batch_norm_is_folded_in_before_weights_are_rounded(tmp_path):
    layer = normalized(tmp_path).calls[0].layer
    assert layer.arrays["kernel"].tolist() == [[2, 0.5]] * 3
    assert layer.arrays["bias"].tolist() == [0, 0]
    fine = normalized(tmp_path, activation_bw=[[2, 2]], moving_mean=[0.1, 1.25])
    assert fine.calls[0].layer.arrays["bias"].tolist() == [-0.25, 0]  # -0.2 and -0.125


def test_a_bias_has_the_most_fraction_bits_of_the_last_axis(tmp_path):
    weights = {
        "kernel": np.zeros((3, 2)),
        "bias": [0.3, 0.3],
        "kernel_bw": [[1]],
        "activation_bw": [[[1, 4], [3, 2]]],
    }
    layer = trained(tmp_path, "HDense", (2, 3), DENSE, **weights).calls[0].layer
    assert layer.arrays["bias"].tolist() == [0.25, 0.3125]


@pytest.mark.parametrize(
    ("widths", "rounding"), [([[[2, 2]]], "RND"), ([[[2]]], "RND"), ([[[2], [2]]], "TRN")]
)
def test_automatic_rounding_is_to_nearest_where_the_bias_holds_the_half(tmp_path, widths, rounding):
    weights = {"kernel": np.zeros((3, 2)), "bias": [0, 0], "kernel_bw": [[1]]}
    options = {**DENSE, "paq_conf": {"rnd_strategy": "auto"}}
    graph = trained(tmp_path, "HDense", (2, 3), options, **weights, activation_bw=widths)
    assert graph.calls[1].layer.quantizers["input"][0].rounding == rounding


def test_another_float_type(tmp_path):
    with pytest.raises(UnsupportedLayer) as caught:
        trained(tmp_path, options={"dtype": "float64"}, activation_bw=[[1, 2, 3]])
    assert str(caught.value) == (
        "h (HQuantize) in net.h5: the layer computes in float64, and HGQ v1 is exact in float32 "
        "only. Build the model with the dtype policy float32."
    )


def test_a_negative_variance(tmp_path):
    with pytest.raises(BadModelFile) as caught:
        normalized(tmp_path, moving_variance=[1, -2])
    assert str(caught.value) == (
        "h (HDenseBatchNorm) in net.h5: the moving variance is -2 at its lowest, and a variance "
        "is never negative. Train again or restore an earlier checkpoint."
    )


def test_widths_of_the_last_axis_that_fit_no_bias(tmp_path):
    """Channels first with widths per column: the package itself fails on it."""
    options = {
        **{"filters": 2, "kernel_size": [1], "strides": [1], "padding": "valid", "groups": 1},
        **{"data_format": "channels_first", "dilation_rate": [1]},
        **{"activation": "linear", "use_bias": True},
    }
    weights = {"kernel": np.ones((1, 2, 2)), "bias": [0, 0], "kernel_bw": [[[1]]]}
    with pytest.raises(BadModelFile) as caught:
        trained(tmp_path, "HConv1D", (2, 3), options, **weights, activation_bw=[[[1, 2, 3]]])
    assert str(caught.value) == (
        "h (HConv1D) in net.h5: 3 widths along the last axis do not fit a bias of 2. "
        "Train with one width for all values of the layer (skip_dims='all')."
    )


def test_a_layer_used_twice_stays_one(tmp_path):
    layer = keras2_layer("HQuantize", "h", "x", paq_conf={})
    layer["inbound_nodes"].append([["h", 0, 0, {}]])
    model = keras2_model(keras2_input("x", 3), layer)
    model["config"]["output_layers"] = [["h", 1, 0]]
    values = [("activation_bw:0", np.ones((1, 3))), ("beta:0", 0.0), ("bops:0", 0.0)]
    first, second = read(write_h5(tmp_path / "net.h5", model, {"h": values})).calls
    assert first.layer is second.layer and second.inputs == first.outputs
