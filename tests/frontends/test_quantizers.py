"""Quantizers: which variables there are, what they mean, and what inference does with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgq2rtl.errors import BadModelFile, UnsupportedLayer
from hgq2rtl.frontends.graph import MinifloatQuantizer
from hgq2rtl.frontends.quantizers import quantizer, read_options

from .archives import quantizer as config

WHERE = "d0 (QDense) in net.keras: kq_conf"


def options(kind="kif", place="datalane", rank=2, **values):
    return read_options(config(kind, place, **values), place, rank, WHERE)


def names(found, shape=(1, 4)):
    return [variable.name for variable in found.variables(shape)]


def record(found, has_batch_axis=False, **stored):
    arrays = {name: np.atleast_1d(np.asarray(value)) for name, value in stored.items()}
    return quantizer(found, arrays, has_batch_axis, WHERE)


@pytest.mark.parametrize(
    ("kind", "overflow", "order"),
    [
        ("kif", "WRAP", ["f", "k", "i", "i_decay_speed"]),
        ("kbi", "WRAP", ["b", "k", "i", "i_decay_speed"]),
        ("kif", "SAT", ["i", "f", "k"]),
        ("kif", "WRAP_SM", ["i", "f", "k"]),
        ("kbi", "SAT_SYM", ["b", "i", "k"]),
    ],
)
@pytest.mark.parametrize("trainable", [True, False])
def test_order_of_the_stored_variables(kind, overflow, order, trainable):
    assert names(options(kind, overflow_mode=overflow, trainable=trainable)) == order


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ({"homogeneous_axis": [0]}, (1, 4, 3)),
        ({"homogeneous_axis": []}, (5, 4, 3)),
        ({"homogeneous_axis": [0, -1]}, (1, 4, 1)),
        ({"heterogeneous_axis": []}, (1, 1, 1)),
        ({"heterogeneous_axis": [-1]}, (1, 1, 3)),
        ({"homogeneous_axis": None, "heterogeneous_axis": [1]}, (1, 4, 1)),
        ({}, (1, 4, 3)),
    ],
)
def test_axes_that_share_a_width(axes, shape):
    assert options(rank=3, **axes).variables((5, 4, 3))[0].shape == shape


@pytest.mark.parametrize("place", ["weight", "datalane", "bias", "table"])
def test_null_means_the_default_of_the_place(place):
    found = read_options(None, place, 2, WHERE)
    kind = {"weight": "kbi", "datalane": "kif", "bias": "kbi", "table": "kbi"}[place]
    overflow = "WRAP" if place in ("datalane", "bias") else "SAT_SYM"
    assert (found.kind, found.rounding, found.overflow) == (kind, "RND", overflow)
    assert found == options("default", place)


@pytest.mark.parametrize("kind", ["kif", "kbi"])
@pytest.mark.parametrize("rounding", ["RND", "TRN", "RND_CONV", "S_RND", "rnd"])
@pytest.mark.parametrize("is_weight", [True, False])
@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("place", ["weight", "bias", "datalane"])
def test_a_trainable_wrap_weight_is_only_rounded(kind, rounding, is_weight, trainable, place):
    """As measured on hgq2 0.2.0: the place plays no part, a kbi is rounded only with RND."""
    found = options(
        kind,
        place,
        round_mode=rounding,
        overflow_mode="WRAP",
        is_weight=is_weight,
        trainable=trainable,
    )
    is_plain_round = rounding in ("RND", "S_RND", "rnd")
    is_only_rounded = is_weight and trainable and (kind == "kif" or is_plain_round)
    assert found.inference_overflow() == ("NONE" if is_only_rounded else "WRAP")


def test_saturating_weights_saturate_at_inference():
    assert options("kbi", "weight", overflow_mode="SAT_SYM").inference_overflow() == "SAT_SYM"


@given(st.floats(-60, 60, width=32), st.floats(-4, 4, width=32))
def test_widths_round_half_to_even_and_f_is_the_rest(b, i):
    q = record(options("kbi", overflow_mode="SAT"), b=np.float32(b), i=np.float32(i), k=1)
    if q.k[0] + q.i[0] + q.f[0] > 0:
        assert (q.i[0], q.f[0]) == (round(i), round(b) - round(i))


def test_the_batch_axis_of_data_is_dropped():
    stored = {"f": np.ones((1, 4)), "i": np.ones((1, 4)), "k": np.ones((1, 4), np.uint8)}
    assert record(options(), has_batch_axis=True, **stored).k.shape == (4,)
    assert record(options(), **stored).k.shape == (1, 4)


def test_widths_are_int64():
    q = record(options(), f=np.float32(2.5), i=np.float32(3.5), k=np.uint8(1))
    assert (q.f.tolist(), q.i.tolist(), q.k.tolist()) == ([2], [4], [1])
    assert {a.dtype for a in (q.k, q.i, q.f)} == {np.dtype(np.int64)}


@pytest.mark.parametrize(
    "overflow, stored",
    [
        ("WRAP", {"i": -1e9, "f": 3, "k": 1}),
        ("SAT", {"i": -200, "f": 100, "k": 0}),
        ("SAT_SYM", {"i": -68, "f": 68, "k": 1}),
    ],
)
def test_a_dead_element_may_have_any_width_and_stays_dead(overflow, stored):
    """Published checkpoints hold i = -68, f = 68 for pruned weights."""
    q = record(options(overflow_mode=overflow), **stored)
    assert (q.k + q.i + q.f).tolist() == [0]


def test_where_only_rounding_happens_nothing_is_dead():
    found = options("kif", "weight", overflow_mode="WRAP", is_weight=True)
    q = record(found, i=-1e9, f=3, k=0)
    assert (q.overflow, q.f.tolist(), q.i.tolist()) == ("NONE", [3], [-64])


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ({"f": 1000, "i": 3, "k": 1}, "the format i = 3, f = 1000 is no trained one"),
        ({"f": 3, "i": 1e30, "k": 1}, "the format i = 1e+30, f = 3 is no trained one"),
        ({"f": np.float64(1e300), "i": 3, "k": 1}, "the format i = 3, f = inf is no trained one"),
        ({"f": 3, "i": 3, "k": 2}, "the sign bit k is 2; it must be 0 or 1"),
        ({"f": 3, "i": 3, "k": 0.5}, "the sign bit k is 0.5; it must be 0 or 1"),
    ],
)
def test_formats_that_no_training_gives(stored, told):
    with pytest.raises(BadModelFile) as caught:
        record(options(overflow_mode="SAT"), **stored)
    assert str(caught.value).startswith(f"{WHERE}: {told}")


def test_scaler_and_affine_are_recorded():
    found = options(scaler=4.0, affine=[0.5, -1.25])
    assert (found.scaler, found.affine) == (4.0, (0.5, -1.25))


def test_hard_tanh_and_hard_sigmoid_fix_what_they_do_not_store():
    """They saturate; a hard sigmoid is x / 4 + 1 / 2 on top."""
    values = {"q_type": "kif", "place": "datalane", "round_mode": "RND"}
    for name, affine in (("HardTanhConfig", (1.0, 0.0)), ("HardSigmoidConfig", (0.25, 0.5))):
        found = read_options({"class_name": name, "config": values}, "datalane", 2, WHERE)
        assert (found.kind, found.overflow, found.affine) == ("kif", "SAT", affine)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"q_type": "posit"}, UnsupportedLayer),
        ({"q_type": "kif", "m0": 2}, BadModelFile),
        ({"q_type": "dummy"}, UnsupportedLayer),
        ({"q_type": 3}, BadModelFile),
        ({"place": "attic"}, BadModelFile),
        ({"round_mode": "SIDEWAYS"}, BadModelFile),
        ({"overflow_mode": "NONE"}, BadModelFile),
        ({"overflow_mode": "WRAP_SM", "round_mode": "TRN"}, BadModelFile),
        ({"q_type": "kbi", "f0": 3}, BadModelFile),
        ({"q_type": "kif", "bc": None}, BadModelFile),
        ({"homogeneous_axis": [0], "heterogeneous_axis": [1]}, BadModelFile),
        ({"homogeneous_axis": [2]}, BadModelFile),
        ({"homogeneous_axis": [None]}, BadModelFile),
        ({"homogeneous_axis": "0"}, BadModelFile),
        ({"bw_mapper": {"class_name": "Mine"}}, UnsupportedLayer),
        ({"scaler": 0}, BadModelFile),
        ({"scaler": float("nan")}, BadModelFile),
        ({"affine": [1.0]}, BadModelFile),
        ({"affine": [1.0, float("inf")]}, BadModelFile),
        ({"is_weight": 1}, BadModelFile),
        ({"new_trick": 2.0}, UnsupportedLayer),
    ],
)
def test_options_that_are_refused(values, kind):
    with pytest.raises(kind) as caught:
        read_options(config("kif", "datalane", **values), "datalane", 2, WHERE)
    assert str(caught.value).startswith(f"{WHERE}: ")


@pytest.mark.parametrize("raw", [3, [], {}, {"class_name": "QuantizerConfig", "config": None}])
def test_what_is_no_configuration(raw):
    with pytest.raises(BadModelFile, match="is no quantizer configuration"):
        read_options(raw, "weight", 2, WHERE)


def test_the_message_for_a_quantizer_without_a_form():
    with pytest.raises(UnsupportedLayer) as caught:
        options("posit")
    assert str(caught.value) == (
        f"{WHERE}: quantizer type 'posit' has no fixed-point form. Use kbi, kif or float."
    )


def test_widths_are_read_in_the_float_type_of_the_layer():
    """Catches a width just above a tie that float32 rounds to the tie."""
    found, b = options("kbi", overflow_mode="SAT"), np.array([2.5 + 2**-30])
    stored = {"b": b, "i": np.zeros(1), "k": np.ones(1, np.uint8)}
    widths = [quantizer(found, stored, False, WHERE, kind).f for kind in ("float32", "float64")]
    assert [f.tolist() for f in widths] == [[2], [3]]


# -- minifloats ----------------------------------------------------------------------

MINIFLOAT = {
    "m0": 2, "e0": 4, "e00": 0, "mc": {"class_name": "MinMax"}, "ec": None, "e0c": None,
    "mr": {"class_name": "MonoL1"}, "er": None, "e0r": None, "is_weight": True, "trainable": True,
}  # fmt: skip


def minifloat(place="weight", rank=2, **values):
    return read_options(config("float", place, **MINIFLOAT | values), place, rank, WHERE)


@pytest.mark.parametrize("place", ["weight", "datalane", "bias", "table"])
def test_a_minifloat_stores_three_widths(place):
    found = minifloat(place)
    variables = found.variables((1, 4))
    assert [v.name for v in variables] == ["m", "e", "e0"]
    # One width for each parameter, but one for all of a data tensor or a table.
    wanted = (1, 4) if place in ("weight", "bias") else (1, 1)
    assert {v.shape for v in variables} == {wanted}


def test_a_minifloat_record():
    found = minifloat("datalane", homogeneous_axis=[0], scaler=2.0, affine=[0.5, 1.0])
    stored = {
        "m": np.array([[2.5, -1.0]], np.float32),
        "e": np.array([[3.5, 0.0]], np.float32),
        "e0": np.array([[-15.5, 1.0]], np.float32),
    }
    q = quantizer(found, stored, True, WHERE)
    assert isinstance(q, MinifloatQuantizer)
    assert [each.tolist() for each in (q.m, q.e, q.e0)] == [[2, -1], [4, 0], [-16, 1]]
    assert {each.dtype for each in (q.m, q.e, q.e0)} == {np.dtype(np.int64)}
    assert (q.shape, q.scaler, q.affine) == ((2,), 2.0, (0.5, 1.0))


def test_a_minifloat_bias_may_give_both_axes_as_hgq2_does():
    assert minifloat("bias", homogeneous_axis=[], heterogeneous_axis=[]).homogeneous == ()


@pytest.mark.parametrize("widths", [(-2, 3, 0), (65, 3, 0), (2, 9, 0), (2, 3, -65), (2, 3, 1e9)])
def test_minifloats_that_no_training_gives(widths):
    stored = {name: np.array([0, w]) for name, w in zip(("m", "e", "e0"), widths, strict=True)}
    with pytest.raises(BadModelFile) as caught:
        quantizer(minifloat(), stored, False, WHERE)
    m, e, e0 = widths
    assert str(caught.value) == (
        f"{WHERE}: the minifloat m = {m:g}, e = {e:g}, e0 = {e0:g} is no trained one; m is from -1 "
        "to 64, e at most 8, e0 within 64. Restore an earlier checkpoint, or train again."
    )


@pytest.mark.parametrize("name", ["k0", "b0", "i0", "f0", "round_mode", "overflow_mode"])
def test_a_minifloat_takes_no_options_of_fixed_point(name):
    with pytest.raises(BadModelFile, match=f"option '{name}' contradicts q_type"):
        minifloat(**{name: 1})
