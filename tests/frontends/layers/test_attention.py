"""Schemas of attention layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, TooLarge, UnsupportedLayer
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import Plan, Site, schema_of
from hgq2rtl.frontends.topology import Tensor

from ..test_layers import families, plan

MHA, LINFORMER, SALT = "QMultiHeadAttention", "QLinformerAttention", "QSALTAttention"
PLAIN = ["AdditiveAttention", "Attention", "GroupedQueryAttention", "MultiHeadAttention"]
SIZES = {"num_heads": 2, "key_dim": 3}
SELF = [(4, 5)]
CROSS = [(4, 5), (6, 5)]


def attention(
    shapes: list[tuple[int, ...]], name: str = MHA, call: dict[str, Any] | None = None, **more: Any
) -> Plan:
    """The plan of a layer that is called on all tensors in turn."""
    options = Options({**SIZES, **more}, f"l ({name}) in f")
    site = Site(options, shapes, [Tensor(n) for n in range(len(shapes))], call)
    made = schema_of("hgq", name)(site)
    site.refuse_leftovers()
    return made


def parts(made: Plan) -> dict[str, tuple[Any, ...]]:
    """By role: folder, equation, shapes of the variables, places of the quantizers."""
    return {
        role: (
            part.folder,
            part.plan.config["equation"],
            [v.shape for v in part.plan.variables if v.shape],
            [slot.place for slot in part.plan.slots],
        )
        for role, part in made.parts.items()
        if part.class_name == "QEinsumDense"
    }


def test_projections_of_multi_head_attention():
    """Catches a shape, a folder or a quantizer that is not hgq2's; keys have no bias."""
    made = attention(CROSS, value_dim=2, output_shape=[7])
    assert made.output == (4, 7) and made.further_outputs == ()
    assert [v.name for v in made.variables] == ["ebops_beta", "ebops"]
    both = ["input", "kernel", "bias", "output"]
    assert parts(made) == {
        "query": ("query_dense", "abz,zhy->abhy", [(5, 2, 3), (2, 3)], both),
        "key": ("key_dense", "abz,zhy->abhy", [(5, 2, 3)], ["input", "kernel", "output"]),
        "value": ("value_dense", "abz,zhy->abhy", [(5, 2, 2), (2, 2)], both),
        "output": ("output_dense", "abhz,hzc->abc", [(2, 2, 7), (7,)], both[:3]),
    }
    softmax = made.parts["softmax"]
    assert (softmax.class_name, softmax.folder) == ("QSoftmax", "_softmax")
    assert softmax.plan.output == (2, 4, 6)
    assert softmax.plan.config == {"axes": (2,), "stable": True, "input_scaler": 1 / 3**0.5}
    assert [slot.place for slot in softmax.plan.slots] == ["output"]
    assert made.config == {
        "fuse": "none",
        "key_dim": 3,
        "value_dim": 2,
        "returns_scores": False,
        "part_shapes": {
            "query": (4, 5),
            "key": (6, 5),
            "value": (6, 5),
            "softmax": (2, 4, 6),
            "output": (4, 2, 2),
        },
        "scores": "chz,bhz->hbc",
        "values": "hbc,chz->bhz",
    }
    assert made.arguments == {"operands": (0, 1, 1), "masks": ()}


def test_several_axes_of_places():
    made = attention([(2, 3, 5)], attention_axes=[1, 2], use_bias=False)
    assert made.output == (2, 3, 5) and made.arguments["operands"] == (0, 0, 0)
    assert made.parts["softmax"].plan.output == (2, 2, 3, 2, 3)
    assert made.parts["softmax"].plan.config["axes"] == (3, 4)
    assert (made.config["scores"], made.config["values"]) == (
        "dehz,bchz->hbcde",
        "hbcde,dehz->bchz",
    )


@pytest.mark.parametrize(
    ("fuse", "with_own"), [("none", "qkv"), ("kv", "qk"), ("qkv", "k")], ids=lambda value: value
)
def test_what_is_fused_has_one_input_quantizer(fuse, with_own):
    made = parts(attention(SELF, fuse=fuse))
    found = [role[0] for role in ("query", "key", "value") if "input" in made[role][3]]
    assert sorted(found) == sorted(with_own)


def test_without_input_quantizers_the_output_keeps_its_own():
    made = parts(attention(SELF, enable_iq=False, enable_ebops=False))
    assert [role for role in made if "input" in made[role][3]] == ["output"]


def test_linformer_projects_over_places():
    made = attention(CROSS, LINFORMER, lin_kv_proj_dim=[2])
    projection = ("abz,bc->acz", [(6, 2)], ["input", "kernel"])
    assert parts(made)["lin_k"] == ("_lin_k_proj", *projection)
    assert parts(made)["lin_v"] == ("_lin_v_proj", *projection)
    assert made.parts["softmax"].plan.output == (2, 4, 2)
    assert made.config["part_shapes"]["lin_k"] == (6, 5)
    shared = attention(CROSS, LINFORMER, lin_kv_proj_dim=2, share_kv_proj=True)
    assert "lin_k" in shared.parts and "lin_v" not in shared.parts
    wide = attention([(2, 3, 4)], LINFORMER, lin_kv_proj_dim=[1, 2], attention_axes=[1, 2])
    assert parts(wide)["lin_k"][1:3] == ("abcz,bcde->adez", [(2, 3, 1, 2)])


def test_salt_clusters_and_convolves():
    made = attention(SELF, SALT, lin_kv_proj_dim=3, cluster_k_proj=True, separate_conv=True)
    assert parts(made)["lin_k"][1:3] == ("abcz,bc->abz", [(3, 2)])
    assert parts(made)["lin_v"][1:3] == ("abz,bc->acz", [(4, 3)])
    assert made.config["clusters"] == {"k": 3}
    assert made.config["part_shapes"]["lin_k"] == (3, 2, 5)
    conv = made.parts["conv"]
    assert (conv.class_name, conv.folder, conv.plan.output) == ("QConv2D", "conv", (2, 4, 3))
    assert [v.shape for v in conv.plan.variables] == [(3, 3, 1, 2), (2,), (), ()]
    assert "conv" not in attention(SELF, SALT, lin_kv_proj_dim=3, conv_size=0).parts


def masks(made: Plan) -> list[tuple[str, list[Any]]]:
    given = made.arguments["operands"][3:]
    return [
        (kind, np.asarray(mask).astype(int).tolist())
        for kind, mask in zip(made.arguments["masks"], given, strict=True)
    ]


def test_masks_of_all_kinds():
    """Catches a kind that is mistaken for another, and a batch axis that stays."""
    options = Options(SIZES, "l in f")
    call = {
        "query_mask": np.array([[1, 0]]),
        "value_mask": np.array([[True, True, False]]),
        "key_mask": Tensor(2),
        "attention_mask": np.array([[[1, 1, 0], [0, 1, 1]]]),
        "use_causal_mask": True,
        "return_attention_scores": True,
    }
    site = Site(options, [(2, 5), (3, 5), (3,)], [Tensor(0), Tensor(1)], call)
    made = schema_of("hgq", MHA)(site)
    assert made.further_outputs == ((2, 2, 3),) and made.config["returns_scores"]
    assert masks(made) == [
        ("query", [1, 0]),
        ("key", [1, 1, 0]),
        ("key", 2),
        ("attention", [[1, 1, 0], [0, 1, 1]]),
        ("attention", [[1, 0, 0], [1, 1, 0]]),
    ]


@pytest.mark.parametrize("call", [{}, {"use_causal_mask": True}])
def test_a_sliding_window_is_a_band(call):
    made = attention([(3, 5)], call=call, sliding_window=2)
    band = [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    causal = [("attention", [[1, 0, 0], [1, 1, 0], [1, 1, 1]])] if call else []
    assert masks(made) == [*causal, ("attention", band)]


def test_a_mask_for_each_head():
    each = np.stack([np.eye(4), np.ones((4, 4))])[None]
    assert masks(attention(SELF, call={"attention_mask": each}))[0][1] == each[0].tolist()


BAND = "Give an attention_mask."


@pytest.mark.parametrize(
    ("name", "shapes", "options", "call", "kind", "text"),
    [
        (
            MHA,
            SELF,
            {"enable_oq": True},
            {},
            UnsupportedLayer,
            "hgq2 cannot run an attention with an output quantizer. "
            "Put a Quantizer behind the layer.",
        ),
        (
            MHA,
            [(2, 3, 5)],
            {"attention_axes": [2]},
            {},
            UnsupportedLayer,
            "it attends along axes [2] of a tensor of 4 axes, which hgq2 itself cannot run. "
            "Attend along all axes between batch and channels, in their order.",
        ),
        (
            MHA,
            [(2, 3, 5)],
            {},
            {"use_causal_mask": True},
            UnsupportedLayer,
            "use_causal_mask is for one axis of places, and the layer has 2. " + BAND,
        ),
        (
            MHA,
            [(2, 3, 5)],
            {"sliding_window": 2},
            {},
            UnsupportedLayer,
            "sliding_window is for one axis of places, and the layer has 2. " + BAND,
        ),
        (
            MHA,
            SELF,
            {},
            {"value": np.ones((4, 5))},
            UnsupportedLayer,
            "it is called on a constant. "
            "Give it tensors of the model: an input, or a layer's output.",
        ),
        (
            MHA,
            CROSS,
            {"fuse": "qkv"},
            {},
            BadModelFile,
            "fuse is 'qkv', and what it fuses is of different shapes. "
            "Save the model again from Keras.",
        ),
        (
            MHA,
            SELF,
            {},
            {"attention_mask": np.ones((4, 3))},
            BadModelFile,
            "its attention_mask of shape (4, 3) does not spread to (2, 4, 4). "
            "Save the model again from Keras.",
        ),
        (
            LINFORMER,
            SELF,
            {"lin_kv_proj_dim": 2},
            {"use_causal_mask": True},
            UnsupportedLayer,
            "a causal mask does not fit projected places, and hgq2 itself cannot run it. " + BAND,
        ),
        (
            SALT,
            [(2, 3, 5)],
            {"lin_kv_proj_dim": 2},
            {},
            BadModelFile,
            "it takes tensors of one axis of places, and one of channels. "
            "Save the model again from Keras.",
        ),
        (
            SALT,
            SELF,
            {"lin_kv_proj_dim": 2, "share_kv_proj": True, "cluster_k_proj": True},
            {},
            BadModelFile,
            "keys and values share a projection, and only one of them is clustered. "
            "Save the model again from Keras.",
        ),
    ],
)
def test_refusals(name, shapes, options, call, kind, text):
    with pytest.raises(kind) as caught:
        attention(shapes, name, call, **options)
    assert str(caught.value) == f"l ({name}) in f: {text}"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"num_heads": 0}, BadModelFile),
        ({"num_heads": 2**30}, TooLarge),
        ({"key_dim": 2.5}, BadModelFile),
        ({"value_dim": -1}, BadModelFile),
        ({"fuse": "all"}, BadModelFile),
        ({"output_shape": [0]}, BadModelFile),
        ({"output_shape": []}, BadModelFile),
        ({"attention_axes": [9]}, BadModelFile),
        ({"sliding_window": 0}, BadModelFile),
        ({"flash_attention": True}, UnsupportedLayer),
    ],
)
def test_options_that_are_refused(options, kind):
    with pytest.raises(kind):
        attention(SELF, **options)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_attention_is_refused(name):
    with pytest.raises(UnsupportedLayer) as caught:
        plan("keras", name, {}, SELF)
    assert str(caught.value) == (
        f"l ({name}) in f: its softmax divides by a sum, which has no exact form. "
        "Use hgq2's QMultiHeadAttention."
    )


def test_every_class_is_here():
    classes = {("hgq", name) for name in (MHA, LINFORMER, SALT)}
    assert families()["attention"] == classes | {("keras", name) for name in PLAIN}
