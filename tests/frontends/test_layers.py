"""The contract of every layer class: options in, plan out, nonsense refused.

To register a class is to be tested: a class without an example here fails.
"""

import pytest

from hgq2rtl.errors import BadModelFile, TooLarge, UnsupportedLayer
from hgq2rtl.frontends import layers  # noqa: F401  (fills the register)
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import _SCHEMAS, Site, read_classes, schema_of

PASSING = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]
ALL = slice(None)

# package, class, options, input shapes, output shape, config, stored variables
EXAMPLES = [
    (
        "hgq",
        "QDense",
        {"units": 3, "activation": None, "use_bias": False},
        [(5, 4)],
        (5, 3),
        {"units": 3, "activation": "linear", "use_bias": False},
        "kernel ebops_beta ebops",
    ),
    (
        "hgq",
        "QDense",
        {"units": 3, "activation": "relu", "enable_ebops": False},
        [(4,)],
        (3,),
        {"units": 3, "activation": "relu", "use_bias": True},
        "kernel bias",
    ),
    (
        "hgq",
        "QEinsumDense",
        {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y"},
        [(5, 4)],
        (5, 3),
        {
            "equation": "abx,xy->aby",
            "output_shape": (5, 3),
            "activation": "linear",
            "bias_axes": "y",
        },
        "kernel bias ebops_beta ebops",
    ),
    (
        "hgq",
        "QEinsumDenseBatchnorm",
        {"equation": "bc,cC->bC", "output_shape": [3], "bias_axes": "C", "activation": "relu"},
        [(4,)],
        (3,),
        {
            "equation": "bc,cC->bC",
            "output_shape": (3,),
            "activation": "relu",
            "bias_axes": "C",
            "epsilon": 1e-7,
            "normalize_axes": "C",
        },
        "kernel bias gamma ebops_beta ebops moving_mean moving_variance",
    ),
    (
        "hgq",
        "QBatchNormalization",
        {"axis": 1, "epsilon": 1e-3, "scale": False},
        [(5, 4)],
        (5, 4),
        {"axis": 0, "epsilon": 1e-3, "center": True, "scale": False},
        "beta moving_mean moving_variance ebops_beta ebops",
    ),
    (
        "hgq",
        "QBatchNormalization",
        {"axis": -1, "epsilon": 1e-3, "center": False, "enable_ebops": False},
        [(5, 4)],
        (5, 4),
        {"axis": 1, "epsilon": 1e-3, "center": False, "scale": True},
        "gamma moving_mean moving_variance",
    ),
    ("hgq", "Quantizer", {"config": None}, [(5, 4)], (5, 4), {}, ""),
    ("hgq", "QAdd", {"iq_confs": None}, [(5, 4), (5, 1), (4,)], (5, 4), {}, "ebops_beta ebops"),
    ("keras", "Concatenate", {"axis": -1}, [(5, 4), (5, 2)], (5, 6), {"axis": 1}, ""),
    ("ops", "Concatenate", {"axis": 1}, [(5, 4), (3, 4)], (8, 4), {"axis": 0}, ""),
    ("keras", "ReLU", {"max_value": None, "negative_slope": 0.0}, [(4,)], (4,), {}, ""),
    ("keras", "Activation", {"activation": "relu"}, [(4,)], (4,), {"activation": "relu"}, ""),
    ("ops", "Relu", {}, [(4,)], (4,), {"activation": "relu"}, ""),
    *[("keras", name, {"rate": 0.5}, [(5, 4)], (5, 4), {}, "") for name in PASSING],
    ("keras", "Flatten", {"data_format": "channels_last"}, [(5, 4, 2)], (40,), {}, ""),
    (
        "keras",
        "Reshape",
        {"target_shape": [2, -1]},
        [(5, 4)],
        (2, 10),
        {"target_shape": (2, 10)},
        "",
    ),
    ("ops", "Reshape", {"newshape": [-1, 2, 10]}, [(5, 4)], (2, 10), {"target_shape": (2, 10)}, ""),
    ("ops", "Squeeze", {"axis": -1}, [(5, 1)], (5,), {"target_shape": (5,)}, ""),
    ("ops", "ExpandDims", {"axis": -1}, [(5, 4)], (5, 4, 1), {"target_shape": (5, 4, 1)}, ""),
    ("keras", "Permute", {"dims": [2, 3, 1]}, [(5, 4, 2)], (4, 2, 5), {"axes": (1, 2, 0)}, ""),
    ("ops", "Transpose", {"axes": [0, 2, 1]}, [(5, 4)], (4, 5), {"axes": (1, 0)}, ""),
]

CHECKED_ONLY = {
    *{(package, f"{q}Conv{n}D") for package, q in (("hgq", "Q"), ("keras", "")) for n in "123"},
    ("keras", "RepeatVector"),
    ("hgq", "QUnaryFunctionLUT"),
}


def plan(package, name, options, shapes, extras=()):
    site = Site(Options(options, f"l ({name}) in f"), shapes, extras)
    found = schema_of(package, name)(site)
    site.refuse_leftovers()
    return found


@pytest.mark.parametrize(
    ("package", "name", "options", "shapes", "output", "config", "variables"),
    EXAMPLES,
    ids=[f"{package}-{name}-{n}" for n, (package, name, *_) in enumerate(EXAMPLES)],
)
def test_plans(package, name, options, shapes, output, config, variables):
    found = plan(package, name, options, shapes)
    assert found.output == output
    assert found.config == config
    assert [variable.name for variable in found.variables] == variables.split()


def test_every_registered_class_has_an_example_or_is_only_checked():
    examples = {(package, name) for package, name, *_ in EXAMPLES} | {("ops", "GetItem")}
    assert set(_SCHEMAS) == examples | CHECKED_ONLY
    assert "QConv1D" not in read_classes() and "QDense" in read_classes()


@pytest.mark.parametrize(
    ("key", "plain", "output"),
    [
        ([ALL, 0], (0, ALL, ALL), (4, 2)),
        ([ALL, slice(1, 3)], (slice(1, 3), ALL, ALL), (2, 4, 2)),
        ([Ellipsis, -1], (ALL, ALL, -1), (5, 4)),
        ([Ellipsis, None], (ALL, ALL, ALL, None), (5, 4, 2, 1)),
        ([ALL, None, ALL, 1], (None, ALL, 1, ALL), (1, 5, 2)),
        ([slice(0, None, 1), slice(None, None, -2)], (slice(None, None, -2), ALL, ALL), (3, 4, 2)),
        (Ellipsis, (ALL, ALL, ALL), (5, 4, 2)),
    ],
)
def test_slicing_leaves_the_batch_alone(key, plain, output):
    found = plan("ops", "GetItem", {}, [(5, 4, 2)], [key])
    assert found.arguments == {"key": plain}
    assert found.output == output


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ([0], UnsupportedLayer),
        ([slice(1, None)], UnsupportedLayer),
        ([None, ALL], UnsupportedLayer),
        ([ALL, [0, 1]], UnsupportedLayer),
        ([ALL, True], UnsupportedLayer),
        ([ALL, "x"], UnsupportedLayer),
        ([ALL, 5], BadModelFile),
        ([ALL, 2**80], BadModelFile),
        ([ALL, slice(3, 3)], BadModelFile),
        ([ALL, slice(None, None, 0)], BadModelFile),
        ([ALL, 0, 0, 0, 0], BadModelFile),
        ([Ellipsis, Ellipsis], BadModelFile),
    ],
)
def test_keys_that_are_refused(key, kind):
    with pytest.raises(kind):
        plan("ops", "GetItem", {}, [(5, 4, 2)], [key])


REFUSALS = [
    ("hgq", "QDense", {"units": 3}, [()], BadModelFile),
    ("hgq", "QDense", {"units": 3}, [(4,), (4,)], BadModelFile),
    ("hgq", "QDense", {"units": 3, "activation": "gelu"}, [(4,)], UnsupportedLayer),
    ("hgq", "QDense", {"units": 3, "activation": {"class_name": "F"}}, [(4,)], UnsupportedLayer),
    ("hgq", "QDense", {"units": 3, "enable_iq": "yes"}, [(4,)], BadModelFile),
    ("hgq", "QDense", {"units": 3, "lora_rank": 4}, [(4,)], UnsupportedLayer),
    ("hgq", "QEinsumDense", {"equation": 3, "output_shape": 3}, [(4,)], BadModelFile),
    ("hgq", "QEinsumDense", {"equation": "bc,cd->bd"}, [(4,)], BadModelFile),
    (
        "hgq",
        "QEinsumDense",
        {"equation": "bc,cd->bd", "output_shape": [0]},
        [(4,)],
        BadModelFile,
    ),
    (
        "hgq",
        "QEinsumDenseBatchnorm",
        {"equation": "bc,cd->bd", "output_shape": 3},
        [(4,)],
        BadModelFile,
    ),
    (
        "hgq",
        "QEinsumDenseBatchnorm",
        {"equation": "abc,bcde->aed", "output_shape": [6, 5], "bias_axes": "de"},
        [(3, 4)],
        UnsupportedLayer,
    ),
    ("hgq", "QBatchNormalization", {"axis": 0}, [(4,)], BadModelFile),
    ("hgq", "QBatchNormalization", {"axis": 2}, [(4,)], BadModelFile),
    ("hgq", "QBatchNormalization", {"axis": [1]}, [(4,)], BadModelFile),
    ("hgq", "QBatchNormalization", {"epsilon": -1}, [(4,)], BadModelFile),
    ("hgq", "QBatchNormalization", {"renorm": True}, [(4,)], UnsupportedLayer),
    ("hgq", "QAdd", {"iq_confs": [None]}, [(4,), (4,)], BadModelFile),
    ("hgq", "QAdd", {"iq_confs": None}, [(4,), (3,)], BadModelFile),
    ("keras", "Concatenate", {"axis": 0}, [(4,), (4,)], BadModelFile),
    ("keras", "Concatenate", {"axis": 1}, [(4, 2), (4, 3)], BadModelFile),
    ("keras", "Concatenate", {"axis": 1}, [(4,), (4, 3)], BadModelFile),
    ("keras", "ReLU", {"max_value": 6.0}, [(4,)], UnsupportedLayer),
    ("keras", "ReLU", {"max_value": float("nan")}, [(4,)], BadModelFile),
    ("keras", "ReLU", {"negative_slope": 0.25}, [(4,)], UnsupportedLayer),
    ("keras", "Activation", {"activation": "tanh"}, [(4,)], UnsupportedLayer),
    ("keras", "Flatten", {"data_format": "channels_first"}, [(4, 3)], UnsupportedLayer),
    ("keras", "Flatten", {"data_format": "sideways"}, [(4, 3)], BadModelFile),
    ("keras", "Reshape", {"target_shape": [-1, -1]}, [(4,)], BadModelFile),
    ("keras", "Reshape", {"target_shape": [3, -1]}, [(4,)], BadModelFile),
    ("keras", "Reshape", {"target_shape": [2**40, -1]}, [(4,)], BadModelFile),
    ("keras", "Reshape", {"target_shape": [5]}, [(4,)], BadModelFile),
    ("ops", "Reshape", {"newshape": [4, -1]}, [(4,)], UnsupportedLayer),
    ("ops", "Reshape", {"newshape": [-1]}, [(4,)], BadModelFile),
    ("ops", "Squeeze", {"axis": 1}, [(4,)], BadModelFile),
    ("ops", "Squeeze", {"axis": 0}, [(1,)], BadModelFile),
    ("keras", "Permute", {"dims": [1, 1]}, [(4, 3)], BadModelFile),
    ("keras", "Permute", {"dims": [0, 1]}, [(4, 3)], BadModelFile),
    ("ops", "Transpose", {"axes": None}, [(4, 3)], UnsupportedLayer),
    ("ops", "Transpose", {"axes": [1, 0, 2]}, [(4, 3)], UnsupportedLayer),
    ("ops", "Transpose", {"axes": [0, 0, 2]}, [(4, 3)], BadModelFile),
    ("keras", "RepeatVector", {"n": 2**40}, [(2,)], TooLarge),
    ("keras", "RepeatVector", {"n": 0}, [(2,)], BadModelFile),
    ("keras", "RepeatVector", {"n": 2}, [(2,)], UnsupportedLayer),
    ("hgq", "QConv1D", {"filters": 2, "kernel_size": [3], "strides": [0]}, [(8, 2)], BadModelFile),
    (
        "hgq",
        "QConv1D",
        {"filters": 2, "kernel_size": 3, "dilation_rate": 0},
        [(8, 2)],
        BadModelFile,
    ),
    ("hgq", "QConv1D", {"filters": 2, "kernel_size": 3, "padding": "some"}, [(8, 2)], BadModelFile),
    ("hgq", "QConv1D", {"filters": 2, "kernel_size": 3}, [(8, 2)], UnsupportedLayer),
    ("keras", "Conv2D", {"filters": 2, "kernel_size": 3}, [(2,)], BadModelFile),
]


@pytest.mark.parametrize(
    ("package", "name", "options", "shapes", "kind"),
    REFUSALS,
    ids=[f"{package}-{name}-{n}" for n, (package, name, *_) in enumerate(REFUSALS)],
)
def test_refusals(package, name, options, shapes, kind):
    with pytest.raises(kind) as caught:
        plan(package, name, options, shapes)
    assert str(caught.value).startswith(f"l ({name}) in f: ")
    assert type(caught.value) is kind


def test_the_message_for_an_activation_without_a_form():
    with pytest.raises(UnsupportedLayer) as caught:
        plan("hgq", "QDense", {"units": 3, "activation": "gelu"}, [(4,)])
    assert str(caught.value) == (
        "l (QDense) in f: activation 'gelu' has no integer form. "
        "Use relu or linear, or put a QUnaryFunctionLUT after the layer."
    )
