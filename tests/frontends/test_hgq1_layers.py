"""The contract of every layer class of HGQ v1: options in, plan out, nonsense refused."""

import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedLayer
from hgq2rtl.frontends import layers  # noqa: F401  (fills the register)
from hgq2rtl.frontends.layers.hgq1 import PASSIVE
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import _SCHEMAS, Site, schema_of

KQ = {
    "init_bw": 2,
    "skip_dims": None,
    "rnd_strategy": "standard_round",
    "exact_q_value": True,
    "dtype": None,
    "bw_clip": [-23, 23],
    "trainable": True,
    "regularizer": {"class_name": "HGQ>MonoL1", "config": {"l1": 1e-06}},
}
PAQ = {**KQ, "skip_dims": [0], "minmax_record": True}
OWN = {"kq_conf": KQ, "paq_conf": PAQ, "beta": 0.0}
DENSE = {"units": 3, "activation": "relu", "use_bias": True, "parallel_factor": None, **OWN}
CONV = {
    "filters": 3,
    "kernel_size": [2],
    "strides": [1],
    "padding": "same",
    "data_format": "channels_last",
    "dilation_rate": [1],
    "groups": 1,
    "activation": "linear",
    "use_bias": False,
    "parallel_factor": 1,
    **OWN,
}
CONV2D = {**CONV, **{name: [2, 1] for name in ("kernel_size", "strides", "dilation_rate")}}
POOL = {"pool_size": [2], "strides": [2], "padding": "valid", "data_format": "channels_last"}
POOL2D = {**POOL, "pool_size": [2, 1], "strides": [2, 1]}
FORMAT = {"RND": "TRN", "SAT": "WRAP", "shape": [1, 4], "overrides": {}, "fusible": True}
LUT = {"kif_in": [1, 1, 2], "kif_out": [0, 1, 3]}

# class, options, input shapes, output shape, stored variables
EXAMPLES = [
    ("FixedPointQuantizer", FORMAT, [(5, 4)], (5, 4), "keep_negative bits integers"),
    ("UnaryLUT", LUT, [(5, 4)], (5, 4), "table"),
    (
        "Signature",
        {"keep_negative": [[1, 0]], "bits": [[4, 4]], "int_bits": [[2, 4]]},
        [(2,)],
        (2,),
        "",
    ),
    ("HQuantize", OWN, [(5, 4)], (5, 4), "activation_bw beta bops"),
    ("HActivation", {"activation": "relu", **OWN}, [(4,)], (4,), "activation_bw beta bops"),
    ("HAdd", OWN, [(4,), (4,)], (4,), "activation_bw beta bops"),
    ("HDense", DENSE, [(5, 4)], (5, 3), "kernel bias kernel_bw activation_bw beta bops"),
    (
        "HDense",
        {**DENSE, "use_bias": False, "kq_conf": {**KQ, "trainable": False}},
        [(4,)],
        (3,),
        "kernel activation_bw beta kernel_bw bops",
    ),
    (
        "HDenseBatchNorm",
        DENSE,
        [(4,)],
        (3,),
        "kernel bias kernel_bw activation_bw bn_beta bn_gamma beta bops moving_mean "
        "moving_variance",
    ),
    (
        "HDenseBatchNorm",
        {**DENSE, "use_bias": False},
        [(4,)],
        (3,),
        "kernel kernel_bw activation_bw bn_gamma beta bops Variable moving_variance",
    ),
    (
        "HDenseBatchNorm",
        {**DENSE, "scale": False, "epsilon": 0.5},
        [(4,)],
        (3,),
        "kernel bias kernel_bw activation_bw bn_beta beta bops moving_mean Variable",
    ),
    ("HConv1D", CONV, [(5, 4)], (5, 3), "kernel kernel_bw activation_bw beta bops"),
    ("HConv2D", CONV2D, [(6, 5, 4)], (3, 5, 3), "kernel kernel_bw activation_bw beta bops"),
    (
        "HConv1DBatchNorm",
        CONV,
        [(5, 4)],
        (5, 3),
        "kernel kernel_bw activation_bw bn_gamma beta bops Variable moving_variance",
    ),
    (
        "HConv2DBatchNorm",
        CONV2D,
        [(6, 5, 4)],
        (3, 5, 3),
        "kernel kernel_bw activation_bw bn_gamma beta bops Variable moving_variance",
    ),
    *[(name, POOL, [(4, 3)], (2, 3), "") for name in PASSIVE if name.endswith("1D")],
    *[(name, POOL2D, [(4, 3, 2)], (2, 3, 2), "") for name in PASSIVE if name.endswith("2D")],
    ("PConcatenate", {"axis": -1}, [(4,), (3,)], (7,), ""),
    ("PDropout", {"rate": 0.5, "noise_shape": None, "seed": None}, [(4,)], (4,), ""),
    ("PFlatten", {"data_format": "channels_last"}, [(4, 3)], (12,), ""),
    ("PPermute", {"dims": [2, 1]}, [(4, 3)], (3, 4), ""),
    ("PReshape", {"target_shape": [-1, 2]}, [(4, 3)], (6, 2), ""),
]


def plan(name, options, shapes):
    common = {"name": "l", "trainable": True, "dtype": "float32"}
    site = Site(Options({**common, **options}, f"l ({name}) in f"), shapes, (None,))
    found = schema_of("hgq1", name)(site)
    site.refuse_leftovers()
    return found


def refused(kind, name, options, *shapes):
    with pytest.raises(kind) as caught:
        plan(name, options, shapes or [(4,)])
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "shapes", "output", "variables"),
    EXAMPLES,
    ids=[f"{name}-{n}" for n, (name, *_) in enumerate(EXAMPLES)],
)
def test_plans(name, options, shapes, output, variables):
    found = plan(name, options, shapes)
    assert found.output == output
    assert [variable.name for variable in found.variables] == variables.split()


def test_every_registered_class_has_an_example():
    registered = {name for package, name in _SCHEMAS if package == "hgq1"}
    assert registered == {name for name, *_ in EXAMPLES}


def test_passive_layers_are_records_of_their_keras_class():
    for name, options, shapes, *_ in EXAMPLES:
        if name in PASSIVE:
            assert plan(name, options, shapes).class_name == PASSIVE[name]


def test_shapes_of_widths():
    shapes = {v.name: v.shape for v in plan("HConv1DBatchNorm", CONV, [(5, 4)]).variables}
    assert shapes["kernel_bw"] == (2, 4, 3) and shapes["activation_bw"] == (1, 5, 3)
    assert shapes["bn_gamma"] == (3,) and shapes["Variable"] == ()
    [table] = plan("UnaryLUT", LUT, [(4,)]).variables
    assert table.shape == (16,)


@pytest.mark.parametrize(
    ("strategy", "rounding"),
    [
        ("standard_round", "RND"),
        ("stochastic_round", "RND"),
        ("fast_uniform_noise_injection", "RND"),
        ("floor", "TRN"),
        ("auto", "auto"),
        (0, "RND"),
        (3, "TRN"),
    ],
)
def test_what_rounding_strategies_do_at_inference(strategy, rounding):
    options = {"paq_conf": {**PAQ, "rnd_strategy": strategy}}
    assert plan("HQuantize", options, [(4,)]).config["rounding"] == rounding
    activation = {**options, "activation": "relu"}
    expected = "RND" if rounding == "auto" else rounding
    assert plan("HActivation", activation, [(4,)]).config["rounding"] == expected


def test_a_quantizer_without_a_configuration_has_the_defaults():
    config = plan("HQuantize", {}, [(4,)]).config
    assert (config["rounding"], config["widths"]) == ("RND", (-23, 23))
    options = {"paq_conf": {**PAQ, "bw_clip": None}}
    assert plan("HQuantize", options, [(4,)]).config["widths"] == (-64, 64)


def test_modes_that_are_none():
    assert refused(UnsupportedLayer, "FixedPointQuantizer", {**FORMAT, "RND": "UP"}) == (
        "l (FixedPointQuantizer) in f: option 'RND' is 'UP', which is unknown here. "
        "Use one of TRN, RND, RND_CONV, TRN_ZERO, RND_ZERO, RND_INF, RND_MIN_INF."
    )
    assert refused(UnsupportedLayer, "FixedPointQuantizer", {**FORMAT, "SAT": "no"}) == (
        "l (FixedPointQuantizer) in f: option 'SAT' is 'no', which is unknown here. "
        "Use one of WRAP, SAT, SAT_SYM, SAT_ZERO, WRAP_SM."
    )
    refused(BadModelFile, "FixedPointQuantizer", {**FORMAT, "RND": 3})


@pytest.mark.parametrize("shape", [[1, 3], [2, 4], [1, 1, 1, 4], [4, 1]])
def test_formats_that_do_not_spread(shape):
    assert refused(BadModelFile, "FixedPointQuantizer", {**FORMAT, "shape": shape}) == (
        f"l (FixedPointQuantizer) in f: formats of shape {tuple(shape)} do not spread to a tensor "
        f"of shape (1, 4). Save the model again from Keras."
    )


@pytest.mark.parametrize("shape", [[], [1], [4], [1, 1], [1, 4], [5, 1], [1, 5, 4]])
def test_formats_that_spread(shape):
    options = {**FORMAT, "shape": shape}
    assert plan("FixedPointQuantizer", options, [(5, 4)]).variables[0].shape == tuple(shape)


def test_tables_of_any_other_size():
    assert refused(UnsupportedLayer, "UnaryLUT", {**LUT, "kif_in": [1, 12, 12]}) == (
        "l (UnaryLUT) in f: its table has 25 address bits, and a table has 1 to 18. "
        "Make the proxy with a smaller unary_lut_max_table_size."
    )
    refused(UnsupportedLayer, "UnaryLUT", {**LUT, "kif_in": [0, 2, -2]})
    for bad in ([2, 1, 1], [1, 1], [1, 1, 2.5], [1, 65, -60], None):
        refused(BadModelFile, "UnaryLUT", {**LUT, "kif_in": bad})
    for bad in ([0, 1, -1], [1, 60, 2]):
        refused(BadModelFile, "UnaryLUT", {**LUT, "kif_out": bad})


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("paq_conf", 3, BadModelFile),
        ("paq_conf", {"rnd_strategy": "up"}, UnsupportedLayer),
        ("paq_conf", {"rnd_strategy": True}, BadModelFile),
        ("paq_conf", {"rnd_strategy": None}, BadModelFile),
        ("paq_conf", {"rnd_strategy": 7}, UnsupportedLayer),
        ("paq_conf", {"bw_clip": [1]}, BadModelFile),
        ("paq_conf", {"bw_clip": [1, float("inf")]}, BadModelFile),
        ("paq_conf", {"trainable": 1}, BadModelFile),
        ("paq_conf", {"more": 1}, UnsupportedLayer),
        ("kq_conf", {"rnd_strategy": "up"}, UnsupportedLayer),
        ("more", 1, UnsupportedLayer),
    ],
)
def test_quantizer_configurations_that_are_none(option, value, kind):
    refused(kind, "HQuantize", {**OWN, option: value})


def test_the_message_for_a_rounding_strategy():
    options = {"paq_conf": {"rnd_strategy": "up"}}
    assert refused(UnsupportedLayer, "HQuantize", options) == (
        "l (HQuantize) in f: paq_conf: rounding strategy 'up' is unknown here. "
        "Use standard_round or floor."
    )


def test_tensors_of_several_shapes_are_not_added():
    assert refused(BadModelFile, "HAdd", OWN, (4,), (1,)) == (
        "l (HAdd) in f: inputs of shapes [(4,), (1,)] are added. Save the model again from Keras."
    )


def test_a_batch_norm_that_is_none():
    assert refused(BadModelFile, "HDenseBatchNorm", {**DENSE, "epsilon": 0}) == (
        "l (HDenseBatchNorm) in f: option 'epsilon' is 0; it must be above 0. "
        "Save the model again from Keras."
    )


@pytest.mark.parametrize("value", [[[1, 1, 1, 1]], [[1], [1]], "x", None, [[[1, 1]]], [1, [1]]])
def test_signatures_that_fit_no_tensor(value):
    good = {"keep_negative": [[1, 0]], "bits": [[4, 4]], "int_bits": [[2, 4]]}
    refused(BadModelFile, "Signature", {**good, "bits": value}, (2,))


def test_operations_of_tensorflow_are_no_layers():
    site = Site(Options({"function": "math.add"}, "l (TFOpLambda) in f"), [(4,)], (None,))
    with pytest.raises(UnsupportedLayer) as caught:
        schema_of("keras", "TFOpLambda")(site)
    assert str(caught.value) == (
        "l (TFOpLambda) in f: it is an operation of TensorFlow, which Keras 2 writes in a form of "
        "its own. Use a layer instead: Add, Multiply, Concatenate, Cropping1D."
    )
