"""Schemas of learned tables, alone and in attention."""

from __future__ import annotations

from typing import Any

import pytest

from hgq2rtl.errors import BadModelFile, Hgq2rtlError, TooLarge, UnsupportedLayer
from hgq2rtl.frontends.schema import Plan
from hgq2rtl.frontends.windows import same, valid

from ..test_layers import families, plan

TANH = {"module": "builtins", "class_name": "function", "config": "tanh"}


def names(part: Plan) -> list[tuple[str, tuple[int, ...]]]:
    return [(v.name, v.shape) for v in part.variables]


def networks(made: Plan) -> list[list[tuple[str, tuple[int, ...]]]]:
    roles = [role for role in made.parts if role.startswith("network_")]
    assert roles == [f"network_{n}" for n in range(len(roles))]
    return [names(made.parts[role].plan) for role in roles]


def slots(made: Plan) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {slot.place: (slot.folder, slot.shape) for slot in made.slots}


def test_dense_tables():
    """Catches a shape, a folder or an order that is not hgq2's."""
    made = plan("hgq", "QDenseT", {"n_out": 3, "d_hl": 4, "subnn_activation": TANH}, [(2, 5)])
    assert made.output == (2, 3)
    assert made.config == {
        "equation": "abi,io->abo",
        "edges": "bio",
        "edge_shape": (2, 5, 3),
        "n_hl": 1,
        "subnn_activation": "tanh",
        "activation": "linear",
        "table_idxs": (6, 5),
    }
    assert names(made) == [("ebops_beta", ()), ("ebops", ())]
    assert slots(made) == {
        "input": ("iq/quantizer", (1, 2, 5, 3)),
        "table": ("toq/quantizer", (1, 2, 5, 3)),
    }
    assert networks(made) == [
        [("kernel", (5, 3, 1, 4)), ("bias", (5, 3, 4))],
        [("kernel", (5, 3, 4)), ("bias", (5, 3))],
    ]
    folders = [part.folder for part in made.parts.values()]
    assert folders == ["module/layers/einsum_dense", "module/layers/einsum_dense_1"]


def test_networks_of_other_depths():
    shallow = plan("hgq", "QDenseT", {"n_out": 2, "n_hl": 0, "use_bias": False}, [(4,)])
    assert networks(shallow) == [[("kernel", (4, 2, 1))]]
    deep = plan("hgq", "QDenseT", {"n_out": 2, "n_hl": 2, "d_hl": 3}, [(4,)])
    assert [kernel for (_, kernel), _ in networks(deep)] == [(4, 2, 1, 3), (4, 2, 3, 3), (4, 2, 3)]


def test_the_batch_norm_of_dense_tables_is_a_layer_of_its_own():
    options = {"n_out": 3, "batch_norm": True, "bn_center": False, "bn_epsilon": 0.5}
    made = plan("hgq", "QDenseT", options, [(4,)])
    norm = made.parts["norm"]
    assert norm.folder == "bn_module"
    assert names(norm.plan) == [
        ("gamma", (3,)),
        ("moving_mean", (3,)),
        ("moving_variance", (3,)),
    ]
    assert (made.config["normalize_axes"], made.config["epsilon"]) == ("o", 0.5)


def test_einsum_tables_take_an_input_per_hidden_number():
    """hgq2 builds the first hidden layer with as many inputs as outputs."""
    options = {"equation": "abc,dc->abd", "output_shape": [2, 4], "bias_axes": "d", "d_hl": 3}
    made = plan("hgq", "QEinsumDenseT", options, [(2, 5)])
    assert made.output == (2, 4)
    assert (made.config["edges"], made.config["edge_shape"]) == ("bcd", (2, 5, 4))
    assert networks(made) == [
        [("kernel", (4, 5, 3, 3)), ("bias", (5, 4, 3))],
        [("kernel", (4, 5, 3)), ("bias", (5, 4))],
    ]
    shared = {**options, "equation": "abc,bd->acd", "output_shape": [5, 4]}
    made = plan("hgq", "QEinsumDenseT", shared, [(2, 5)])
    assert networks(made)[1] == [("kernel", (2, 4, 3)), ("bias", (2, 1, 4))]


@pytest.mark.parametrize(
    ("axes", "normalized", "shape"),
    [
        ({"bias_axes": "d"}, "d", (4,)),
        ({"bias_axes": "db"}, "db", (4, 2)),
        ({"bias_axes": "d", "normalize_axes": "b"}, "b", (2,)),
        ({"normalize_axes": "c"}, "c", (5,)),
        ({"normalize_axes": ""}, "", ()),
        ({}, "d", (4,)),
    ],
)
def test_the_batch_norm_of_einsum_tables_replaces_the_biases(axes, normalized, shape):
    options = {"equation": "abc,cd->abd", "output_shape": [2, 4], "batch_norm": True, **axes}
    made = plan("hgq", "QEinsumDenseT", options, [(2, 5)])
    assert made.config["normalize_axes"] == normalized
    assert names(made)[:4] == [
        (name, shape) for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    assert all(len(network) == 1 for network in networks(made))


def test_convolved_tables():
    made = plan("hgq", "QConvT1D", {"filters": 3, "kernel_size": [2], "strides": [2]}, [(7, 2)])
    assert made.output == (3, 3)
    assert made.config["windows"] == (valid(2, 2),)
    assert made.config["edge_shape"] == (3, 4, 3)
    assert made.config["subnn_activation"] == "linear"
    plane = {"filters": 2, "kernel_size": [3, 2], "padding": "same", "dilation_rate": [1, 2]}
    made = plan("hgq", "QConvT2D", plane, [(4, 3, 2)])
    assert made.output == (4, 3, 2)
    assert made.config["windows"] == (same(4, 3), same(3, 2, dilation=2))
    assert slots(made)["input"][1] == (1, 4, 3, 12, 2)


ATTENTION = {"num_heads": 2, "key_dim": 3, "n_hl": 0, "bn_momentum": 0.99, "table_spec": [6, 5]}


def test_attention_projects_by_tables():
    made = plan("hgq", "QMultiHeadAttentionT", ATTENTION, [(4, 5)])
    assert {role: part.class_name for role, part in made.parts.items()} == {
        **dict.fromkeys(("query", "key", "value", "output"), "QEinsumDenseT"),
        "softmax": "QSoftmax",
    }
    query = made.parts["query"].plan
    assert networks(query) == [[("kernel", (5, 2, 3, 1)), ("bias", (5, 2, 3))]]
    assert slots(query)["output"] == ("oq/quantizer", (1, 4, 2, 3))


@pytest.mark.parametrize(
    ("mode", "made"), [("dense", "QEinsumDense"), ("dense_t", "QEinsumDenseT")]
)
def test_a_linformer_projects_places_by_tables_or_densely(mode, made):
    options = {**ATTENTION, "lin_kv_proj_dim": [2], "lin_kv_proj_mode": mode}
    parts = plan("hgq", "QLinformerAttentionT", options, [(4, 5)]).parts
    assert {parts["lin_k"].class_name, parts["lin_v"].class_name} == {made}


def refusal(
    kind: type[Hgq2rtlError], name: str, options: dict[str, Any], *shapes: tuple[int, ...]
) -> str:
    with pytest.raises(kind) as caught:
        plan("hgq", name, options, list(shapes))
    return str(caught.value).split(": ", 1)[1]


EINSUM = {"equation": "ab,bc->ac", "output_shape": 2}
CONV = {"filters": 2, "kernel_size": [2]}
AGAIN = " Save the model again from Keras."
REFUSED = [
    (BadModelFile, "QDenseT", {"n_out": 2}, (), "the input has no axis besides the batch." + AGAIN),
    (
        BadModelFile,
        "QDenseT",
        {"n_out": 2, "n_hl": 17},
        (4,),
        "option 'n_hl' is 17; it must be a whole number of at most 16." + AGAIN,
    ),
    (
        BadModelFile,
        "QDenseT",
        {"n_out": 2, "d_hl": 0},
        (4,),
        "option 'd_hl' is 0; it must be a whole number of at least 1, below 2^48." + AGAIN,
    ),
    (
        BadModelFile,
        "QDenseT",
        {"n_out": 2, "batch_norm": True, "bn_epsilon": 0},
        (4,),
        "option 'bn_epsilon' is 0; it must be above 0." + AGAIN,
    ),
    (
        BadModelFile,
        "QDenseT",
        {"n_out": 2, "table_idxs": [6, 99]},
        (4,),
        "option 'table_idxs' is [6, 99]; it must be two numbers of inputs that a table may have."
        + AGAIN,
    ),
    (
        TooLarge,
        "QDenseT",
        {"n_out": 2**40},
        (4,),
        "a tensor of shape (4, 1099511627776) is larger than any circuit; the limit is 1048576 "
        "elements and 16 axes. Check the sizes in the model.",
    ),
    (
        UnsupportedLayer,
        "QDenseT",
        {"n_out": 2, "subnn_activation": {"class_name": "LeakyReLU", "config": {}}},
        (4,),
        "subnn_activation 'LeakyReLU' is not a function with a name. Name one of Keras' "
        "activations, or a function that is registered with "
        "keras.saving.register_keras_serializable.",
    ),
    (
        BadModelFile,
        "QEinsumDenseT",
        {**EINSUM, "equation": "ab,bc->ad"},
        (4,),
        "equation 'ab,bc->ad' names a kernel axis that is neither in the data nor in the output."
        + AGAIN,
    ),
    (
        UnsupportedLayer,
        "QEinsumDenseT",
        {**EINSUM, "equation": "ab,bc->ca"},
        (4,),
        "equation 'ab,bc->ca' does not keep the batch axis in front of data and output. Write the "
        "layer with distinct labels and the batch axis in front.",
    ),
    (
        BadModelFile,
        "QEinsumDenseT",
        {**EINSUM, "bias_axes": "b"},
        (4,),
        "option 'bias_axes' is 'b'; it must be null, or labels of the output 'ac'." + AGAIN,
    ),
    (
        BadModelFile,
        "QEinsumDenseT",
        {**EINSUM, "normalize_axes": "cc"},
        (4,),
        "a batch norm over axes 'cc' does not fit the tables, whose axes are 'bc'." + AGAIN,
    ),
    (
        BadModelFile,
        "QConvT1D",
        {**CONV, "kernel_size": [5]},
        (4, 1),
        "a window over 5 places does not fit an axis of 4." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "QConvT1D",
        {**CONV, "padding": "causal"},
        (4, 1),
        "hgq2 itself cannot run a table convolution with causal padding. Pad in front with a "
        "ZeroPadding1D and build the layer with padding='valid'.",
    ),
    (
        UnsupportedLayer,
        "QConvT1D",
        {**CONV, "data_format": "channels_first"},
        (4, 1),
        "hgq2 itself cannot run a table convolution with channels_first. Put a Permute in front "
        "and build the layer with channels_last.",
    ),
    (
        UnsupportedLayer,
        "QConvT1D",
        {**CONV, "groups": 2},
        (4, 2),
        "hgq2 itself has no table convolution in groups. Build the layer with groups=1.",
    ),
    (
        BadModelFile,
        "QLinformerAttentionT",
        {**ATTENTION, "lin_kv_proj_dim": 2, "lin_kv_proj_mode": "sparse"},
        (4, 5),
        "option 'lin_kv_proj_mode' is 'sparse'; it must be one of dense, dense_t." + AGAIN,
    ),
]


@pytest.mark.parametrize(("kind", "name", "options", "shape", "text"), REFUSED)
def test_refusals(kind, name, options, shape, text):
    """Catches nonsense that passes, and a message that does not say what to do."""
    assert refusal(kind, name, options, shape) == text


def test_every_class_of_the_family_has_an_example():
    read = families()
    here = {"QDenseT", "QEinsumDenseT", "QConvT1D", "QConvT2D"}
    assert {name for _, name in read["learned_table"]} == here
    assert {name for _, name in read["learned_attention"]} == {
        "QMultiHeadAttentionT",
        "QLinformerAttentionT",
    }
