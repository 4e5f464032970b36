"""The contract of every layer class: options in, plan out, nonsense refused.

To register a class is to be tested: a class without an example here fails.
"""

import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedLayer
from hgq2rtl.frontends import layers  # noqa: F401  (fills the register)
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import _SCHEMAS, Site, schema_of

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
    (
        "hgq",
        "QBatchNormDense",
        {"units": 2, "scale": False, "enable_ebops": False},
        [(4,)],
        (2,),
        {"units": 2, "activation": "linear", "use_bias": True, "epsilon": 1e-3},
        "kernel bias moving_mean moving_variance",
    ),
    (
        "keras",
        "Dense",
        {"units": 2, "use_bias": False},
        [(3, 4)],
        (3, 2),
        {"units": 2, "activation": "linear", "use_bias": False},
        "kernel",
    ),
    (
        "keras",
        "EinsumDense",
        {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"},
        [(4,)],
        (3,),
        {
            "equation": "ab,bc->ac",
            "output_shape": (3,),
            "activation": "linear",
            "bias_axes": "c",
        },
        "kernel bias",
    ),
    (
        "keras",
        "BatchNormalization",
        {"axis": 1, "epsilon": 0.5, "renorm": False},
        [(5, 4)],
        (5, 4),
        {"axis": 0, "epsilon": 0.5, "center": True, "scale": True},
        "gamma beta moving_mean moving_variance",
    ),
    *[("keras", name, {"rate": 0.5}, [(5, 4)], (5, 4), {}, "") for name in PASSING],
]

ELSEWHERE = {
    *("activation", "attention", "softmax", "table"),
    *("hgq1", "convolution", "padding", "pooling"),
    *("merge", "moving", "operations", "reduction", "reshaping"),
    *("learned_attention", "learned_table"),
    *("embedding", "rectifiers", "scaling"),
    *("cells", "masking", "recurrent", "spiking", "wrappers"),
}
"""Modules whose classes have a contract of their own, in a test file of their own."""


def plan(package, name, options, shapes, extras=()):
    site = Site(Options(options, f"l ({name}) in f"), shapes, (None, *extras))
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


def families():
    """Registered classes by the module of :mod:`hgq2rtl.frontends.layers` that reads them."""
    found = {}
    for key, schema in _SCHEMAS.items():
        module = getattr(schema, "func", schema).__module__.rpartition(".")[2]
        found.setdefault(module, set()).add(key)
    return found


def test_every_registered_class_has_an_example():
    examples = {(package, name) for package, name, *_ in EXAMPLES} | {("ops", "GetItem")}
    here = {key for name, keys in families().items() if name not in ELSEWHERE for key in keys}
    assert here == examples


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
    ("hgq", "QBatchNormDense", {"units": 2, "use_bias": False}, [(4,)], BadModelFile),
    ("hgq", "QBatchNormDense", {"units": 2, "epsilon": 0}, [(4,)], BadModelFile),
    ("keras", "BatchNormalization", {"epsilon": -1.0}, [(4,)], BadModelFile),
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
