"""Schemas of convolutions, poolings, padding, cropping and up-sampling."""

import pytest

from hgq2rtl.errors import BadModelFile, TooLarge, UnsupportedLayer
from hgq2rtl.frontends import Layer
from hgq2rtl.frontends.windows import Window

from ...lowering.graphs import quantizer
from ..test_layers import families, plan

LAST, FIRST = {"data_format": "channels_last"}, {"data_format": "channels_first"}
EBOPS = {"ebops_beta": (), "ebops": ()}


def conv(windows, activation="linear", **more):
    """The config of a convolution."""
    return {**LAST, "windows": windows, "activation": activation, **more}


# package, class, options, input shape, output shape, config, stored variables with shapes
EXAMPLES = [
    (
        "hgq",
        "QConv1D",
        {"filters": 4, "kernel_size": [3], "strides": [2], "padding": "same"},
        (6, 2),
        (3, 4),
        conv((Window(3, 2, before=0, after=1),), groups=1, causal=0),
        {"kernel": (3, 2, 4), "bias": (4,), **EBOPS},
    ),
    (
        "hgq",
        "QConv1D",
        {
            "filters": 2,
            "kernel_size": [3],
            "dilation_rate": [2],
            "padding": "causal",
            "use_bias": False,
            "enable_ebops": False,
            "activation": "relu",
        },
        (6, 2),
        (6, 2),
        conv((Window(3, dilation=2),), "relu", groups=1, causal=4),
        {"kernel": (3, 2, 2)},
    ),
    (
        "hgq",
        "QConv2D",
        {"filters": 6, "kernel_size": [2, 3], "groups": 2, **FIRST},
        (4, 5, 6),
        (6, 4, 4),
        {**conv((Window(2), Window(3)), groups=2, causal=0), **FIRST},
        {"kernel": (2, 3, 2, 6), "bias": (6,), **EBOPS},
    ),
    (
        "hgq",
        "QConv3D",
        {"filters": 1, "kernel_size": [1, 2, 1], "strides": [1, 2, 1]},
        (2, 5, 3, 2),
        (2, 2, 3, 1),
        conv((Window(1), Window(2, 2), Window(1)), groups=1, causal=0),
        {"kernel": (1, 2, 1, 2, 1), "bias": (1,), **EBOPS},
    ),
    (
        "keras",
        "Conv2D",
        {"filters": 3, "kernel_size": [2, 2], "padding": "same"},
        (3, 4, 2),
        (3, 4, 3),
        conv((Window(2, after=1), Window(2, after=1)), groups=1, causal=0),
        {"kernel": (2, 2, 2, 3), "bias": (3,)},
    ),
    (
        "keras",
        "DepthwiseConv2D",
        {"kernel_size": [2, 1], "depth_multiplier": 2, "strides": [1, 2]},
        (3, 3, 4),
        (2, 2, 8),
        conv((Window(2), Window(1, 2))),
        {"kernel": (2, 1, 4, 2), "bias": (8,)},
    ),
    (
        "keras",
        "SeparableConv1D",
        {"kernel_size": [3], "filters": 5, "depth_multiplier": 2, "use_bias": False},
        (6, 3),
        (4, 5),
        conv((Window(3),)),
        {"depthwise_kernel": (3, 3, 2), "pointwise_kernel": (1, 6, 5)},
    ),
    (
        "keras",
        "Conv2DTranspose",
        {"kernel_size": [3, 2], "filters": 5, "strides": [2, 2], "padding": "same", **FIRST},
        (3, 4, 5),
        (5, 8, 10),
        {
            **conv(
                (Window(3, before=2, after=1, spacing=2), Window(2, before=1, after=1, spacing=2))
            ),
            **FIRST,
        },
        {"kernel": (3, 2, 5, 3), "bias": (5,)},
    ),
    (
        "keras",
        "Conv1DTranspose",
        {"kernel_size": [2], "filters": 1, "strides": [3], "output_padding": [0]},
        (4, 3),
        (11, 1),
        conv((Window(2, before=1, after=1, spacing=3),)),
        {"kernel": (2, 1, 3), "bias": (1,)},
    ),
    (
        "hgq",
        "QMaxPooling2D",
        {"pool_size": [2, 3], "strides": None, "padding": "same"},
        (3, 6, 2),
        (2, 2, 2),
        {**LAST, "windows": (Window(2, 2, after=1), Window(3, 3))},
        EBOPS,
    ),
    (
        "keras",
        "AveragePooling1D",
        {"pool_size": [3], "strides": [2], **FIRST},
        (2, 7),
        (2, 3),
        {**FIRST, "windows": (Window(3, 2),)},
        {},
    ),
    (
        "hgq",
        "QGlobalAveragePooling2D",
        {"keepdims": True, "enable_ebops": False, **FIRST},
        (2, 3, 4),
        (2, 1, 1),
        {"axes": (1, 2), "keepdims": True},
        {},
    ),
    (
        "keras",
        "GlobalMaxPooling3D",
        {"keepdims": False},
        (2, 3, 4, 5),
        (5,),
        {"axes": (0, 1, 2), "keepdims": False},
        {},
    ),
    (
        "keras",
        "ZeroPadding1D",
        {"padding": [1, 2], **FIRST},
        (2, 3),
        (2, 6),
        {"padding": ((0, 0), (1, 2))},
        {},
    ),
    (
        "keras",
        "ZeroPadding3D",
        {"padding": [[0, 1], 2, [3, 0]]},
        (2, 2, 2, 5),
        (3, 6, 5, 5),
        {"padding": ((0, 1), (2, 2), (3, 0), (0, 0))},
        {},
    ),
    (
        "keras",
        "Cropping1D",
        {"cropping": 1},
        (5, 2),
        (3, 2),
        {"key": (slice(1, 4), slice(None))},
        {},
    ),
    (
        "keras",
        "Cropping2D",
        {"cropping": [[0, 1], [2, 0]], **FIRST},
        (2, 3, 4),
        (2, 2, 2),
        {"key": (slice(None), slice(0, 2), slice(2, 4))},
        {},
    ),
    (
        "keras",
        "UpSampling2D",
        {"size": [2, 4], "interpolation": "bilinear"},
        (2, 3, 1),
        (4, 12, 1),
        {**LAST, "factors": (2, 4), "interpolation": "bilinear"},
        {},
    ),
    (
        "keras",
        "UpSampling1D",
        {"size": 3},
        (2, 3),
        (6, 3),
        {**LAST, "factors": (3,), "interpolation": "nearest"},
        {},
    ),
]
"""One of each schema function; the classes of other ranks share them."""


@pytest.mark.parametrize(
    ("package", "name", "options", "shape", "output", "config", "variables"),
    EXAMPLES,
    ids=[f"{name}-{n}" for n, (_, name, *_) in enumerate(EXAMPLES)],
)
def test_plans(package, name, options, shape, output, config, variables):
    found = plan(package, name, options, [shape])
    assert found.output == output
    assert found.config == config
    assert {v.name: v.shape for v in found.variables} == variables
    assert [v.name for v in found.variables] == list(variables)


FAMILIES = [
    ("hgq", "QConv{}D", {"filters": 2, "kernel_size": 2}, (1, 2, 3)),
    ("keras", "Conv{}D", {"filters": 2, "kernel_size": 2}, (1, 2, 3)),
    ("keras", "DepthwiseConv{}D", {"kernel_size": 2}, (1, 2)),
    ("keras", "SeparableConv{}D", {"filters": 2, "kernel_size": 2}, (1, 2)),
    ("keras", "Conv{}DTranspose", {"filters": 2, "kernel_size": 2}, (1, 2, 3)),
    *[
        (package, f"{q}{kind}Pooling{{}}D", options, (1, 2, 3))
        for package, q in (("hgq", "Q"), ("keras", ""))
        for kind, options in (
            *[(kind, {"pool_size": 2}) for kind in ("Max", "Average")],
            *[(kind, {}) for kind in ("GlobalMax", "GlobalAverage")],
        )
    ],
    ("keras", "ZeroPadding{}D", {"padding": 1}, (1, 2, 3)),
    ("keras", "Cropping{}D", {"cropping": 1}, (1, 2, 3)),
    ("keras", "UpSampling{}D", {"size": 2}, (1, 2, 3)),
]
CLASSES = [
    (package, name.format(rank), options, rank)
    for package, name, options, ranks in FAMILIES
    for rank in ranks
]


def test_all_classes_are_tested():
    """Catches a class that is registered and never looked at."""
    read = families()
    registered = read["convolution"] | read["pooling"] | read["padding"]
    assert registered == {(package, name) for package, name, _, _ in CLASSES}


@pytest.mark.parametrize(("package", "name", "options", "rank"), CLASSES)
def test_every_class_has_its_own_rank(package, name, options, rank):
    """Catches a class that is missing, and a layer that takes a tensor of another rank."""
    assert plan(package, name, options, [(*[4] * rank, 2)]).output
    axes = "one spatial axis" if rank == 1 else f"{rank} spatial axes"
    with pytest.raises(BadModelFile) as caught:
        plan(package, name, options, [(4,)])
    assert str(caught.value) == (
        f"l ({name}) in f: an input of shape (4,) is not {axes} and channels. "
        f"Save the model again from Keras."
    )


def test_quantizers_sit_where_hgq_puts_them():
    options = {"filters": 3, "kernel_size": 2, "enable_oq": True}
    found = plan("hgq", "QConv1D", options, [(5, 2)])
    assert [(slot.place, slot.shape) for slot in found.slots] == [
        ("input", (1, 5, 2)),
        ("kernel", (2, 2, 3)),
        ("bias", (3,)),
        ("output", (1, 4, 3)),
    ]
    found = plan("hgq", "QConv1D", {**options, "use_bias": False, "bq_conf": None}, [(5, 2)])
    assert [slot.place for slot in found.slots] == ["input", "kernel", "output"]
    found = plan("hgq", "QMaxPooling1D", {"pool_size": 2, "enable_oq": True}, [(5, 2)])
    assert [(slot.place, slot.shape) for slot in found.slots] == [
        ("input", (1, 5, 2)),
        ("output", (1, 2, 2)),
    ]


def refusal(kind, package, name, options, shape):
    """What is said, without the layer's name."""
    with pytest.raises(kind) as caught:
        plan(package, name, options, [shape])
    assert type(caught.value) is kind
    prefix = f"l ({name}) in f: "
    assert str(caught.value).startswith(prefix)
    return str(caught.value).removeprefix(prefix)


PAIRS = "numbers of at least 0 in front of and behind each spatial axis"
AGAIN = ". Save the model again from Keras."


@pytest.mark.parametrize(
    ("name", "options", "shape", "text"),
    [
        (
            "QConv1D",
            {"filters": 2, "kernel_size": [5]},
            (4, 2),
            "a window over 5 places does not fit an axis of 4",
        ),
        (
            "QConv1D",
            {"filters": 3, "kernel_size": [1], "groups": 2},
            (4, 2),
            "2 groups do not share 2 channels, 3 filters",
        ),
        (
            "QConv1D",
            {"filters": 2, "kernel_size": [1], "groups": 2},
            (4, 3),
            "2 groups do not share 3 channels, 2 filters",
        ),
        (
            "QConv2D",
            {"filters": 2, "kernel_size": [1, 1], "padding": "causal"},
            (4, 3, 2),
            "option 'padding' is 'causal'; it must be one of valid, same",
        ),
        (
            "QConv2D",
            {"filters": 2, "kernel_size": [1, 0]},
            (4, 3, 2),
            "option 'kernel_size' is [1, 0]; it must be a list of 2 whole numbers of at least 1",
        ),
        (
            "QConv1D",
            {"filters": 2, "kernel_size": [1], "strides": 0},
            (4, 3),
            "option 'strides' is 0; it must be a list of 1 whole numbers of at least 1",
        ),
        (
            "QMaxPooling1D",
            {"pool_size": [2], "strides": 0},
            (4, 3),
            "option 'strides' is 0; it must be a list of 1 whole numbers of at least 1",
        ),
        (
            "QMaxPooling1D",
            {"pool_size": [2], "padding": "causal"},
            (4, 3),
            "option 'padding' is 'causal'; it must be one of valid, same",
        ),
        (
            "QGlobalMaxPooling1D",
            {"keepdims": 1},
            (4, 3),
            "option 'keepdims' is 1; it must be true or false",
        ),
    ],
)
def test_nonsense_in_quantized_layers(name, options, shape, text):
    assert refusal(BadModelFile, "hgq", name, options, shape) == text + AGAIN


@pytest.mark.parametrize(
    ("name", "options", "shape", "text"),
    [
        (
            "Conv1D",
            {"filters": 2, "kernel_size": 2, "data_format": "sideways"},
            (4, 2),
            "option 'data_format' is 'sideways'; it must be one of channels_last, channels_first",
        ),
        (
            "Conv1DTranspose",
            {"filters": 2, "kernel_size": 2, "output_padding": [-1]},
            (4, 2),
            "option 'output_padding' is [-1]; it must be a list of 1 whole numbers of at least 0",
        ),
        (
            "DepthwiseConv1D",
            {"kernel_size": 2, "depth_multiplier": 0},
            (4, 2),
            "option 'depth_multiplier' is 0; it must be a whole number of at least 1, below 2^48",
        ),
        (
            "ZeroPadding2D",
            {"padding": [[1, 1]]},
            (4, 3, 2),
            f"option 'padding' is [[1, 1]]; it must be {PAIRS}",
        ),
        (
            "ZeroPadding2D",
            {"padding": [[1, 1], [-1, 0]]},
            (4, 3, 2),
            f"option 'padding' is [[1, 1], [-1, 0]]; it must be {PAIRS}",
        ),
        (
            "ZeroPadding1D",
            {"padding": [1, 1, 1]},
            (4, 2),
            f"option 'padding' is [1, 1, 1]; it must be {PAIRS}",
        ),
        (
            "Cropping1D",
            {"cropping": [2, 2]},
            (4, 2),
            "cropping ((2, 2),) leaves nothing of an input of shape (4, 2)",
        ),
        (
            "UpSampling1D",
            {"size": 0},
            (4, 2),
            "option 'size' is 0; it must be a list of 1 whole numbers of at least 1",
        ),
    ],
)
def test_nonsense_in_plain_layers(name, options, shape, text):
    assert refusal(BadModelFile, "keras", name, options, shape) == text + AGAIN


def test_sizes_beyond_any_circuit_are_refused_before_anything_is_built():
    """A dilation, a stride and a kernel can ask for any size in a few bytes."""
    wide = {"filters": 1, "kernel_size": [2], "padding": "same", "dilation_rate": [2**40]}
    assert "larger than any circuit" in refusal(TooLarge, "hgq", "QConv1D", wide, (4, 1))
    causal = {**wide, "padding": "causal"}
    assert "larger than any circuit" in refusal(TooLarge, "hgq", "QConv1D", causal, (4, 1))
    spread = {"filters": 1, "kernel_size": [1], "strides": [2**40]}
    assert "larger than any circuit" in refusal(
        TooLarge, "keras", "Conv1DTranspose", spread, (4, 1)
    )
    many = {"filters": 256, "kernel_size": [9, 9], "padding": "same"}
    assert refusal(TooLarge, "keras", "Conv2D", many, (64, 64, 16)) == (
        "1358954496 products in one layer are more than any circuit holds; the limit is 16777216. "
        "Check the sizes in the model."
    )
    pool = {"pool_size": [300, 300], "strides": [1, 1], "padding": "same"}
    assert "products" in refusal(TooLarge, "keras", "MaxPooling2D", pool, (300, 300, 1))


def test_interpolations_without_an_exact_form_are_refused():
    thirds = {"size": [2, 3], "interpolation": "bilinear"}
    assert refusal(UnsupportedLayer, "keras", "UpSampling2D", thirds, (2, 2, 1)) == (
        "bilinear interpolation by 3 weighs with fractions that have no finite binary form. "
        "Use factors that are powers of two, or nearest."
    )
    cubic = {"size": [2, 2], "interpolation": "bicubic"}
    assert refusal(UnsupportedLayer, "keras", "UpSampling2D", cubic, (2, 2, 1)) == (
        "interpolation 'bicubic' has no exact hardware form here. Use nearest or bilinear."
    )


@pytest.mark.parametrize(
    ("data_format", "shape", "widths", "axes"),
    [
        ("channels_last", (5, 2), [[1, 2]] * 5, (0, 1)),
        ("channels_first", (2, 5), [[1] * 5, [2] * 5], (0, 2)),
    ],
)
def test_causal_formats_must_not_differ_along_the_sequence(data_format, shape, widths, axes):
    """The zeros in front go through the quantizer too, and have no format of their own."""
    options = {
        "filters": 1,
        "kernel_size": [2],
        "padding": "causal",
        "data_format": data_format,
    }
    check = plan("hgq", "QConv1D", options, [shape]).last_check
    layer = Layer(
        "l", "QConv1D", {"data_format": data_format}, {}, {"input": (quantizer(f=widths),)}
    )
    with pytest.raises(UnsupportedLayer) as caught:
        check(layer, "l (QConv1D) in f")
    assert str(caught.value) == (
        "l (QConv1D) in f: the input quantizer has formats of its own for each place of the "
        "sequence, and none for the zeros of the causal padding, which it quantizes too. "
        f"Share them along the sequence: homogeneous_axis={axes}."
    )
    shared = quantizer(f=[[1, 2]] if data_format == "channels_last" else [[1], [2]])
    check(Layer("l", "QConv1D", {"data_format": data_format}, {}, {"input": (shared,)}), "l")
