"""Options: nonsense is named, null means the default, and nothing unknown slips through."""

import math

import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedLayer
from hgq2rtl.frontends.options import Options, plain_list

WHERE = "d0 (QDense) in net.keras"


def options(**values):
    return Options(values, WHERE)


@pytest.mark.parametrize("value", [-3, 0, 3.0, 3.7, True, "3", None, math.inf, math.nan, 2**48, []])
def test_a_size_is_a_whole_number(value):
    with pytest.raises(BadModelFile) as caught:
        options(units=value).whole("units", at_least=1)
    assert str(caught.value) == (
        f"{WHERE}: option 'units' is {value!r}; it must be a whole number of at least 1, "
        f"below 2^48. Save the model again from Keras."
    )


def test_a_missing_option_is_named():
    with pytest.raises(BadModelFile) as caught:
        options().whole("units", at_least=1)
    assert str(caught.value) == (
        f"{WHERE}: option 'units' is missing. Save the model again from Keras."
    )


def test_defaults_stand_for_what_is_not_given():
    assert options().whole("groups", at_least=1, default=1) == 1
    assert options(use_bias=None).boolean("use_bias", default=True) is True
    assert options(bias_axes=None).text_or_none("bias_axes") is None


@pytest.mark.parametrize("value", [0, 1, "true", []])
def test_a_switch_is_true_or_false(value):
    with pytest.raises(BadModelFile, match="it must be true or false"):
        options(use_bias=value).boolean("use_bias")


@pytest.mark.parametrize("value", [math.inf, math.nan, True, "1", None, 10**400])
def test_a_number_is_finite(value):
    with pytest.raises(BadModelFile, match="it must be a finite number"):
        options(epsilon=value).number("epsilon")


@pytest.mark.parametrize("value", [[1, 2.0], [0], [1, None], "12", {"a": 1}, [1] * 65, 1.0])
def test_a_list_of_sizes_holds_whole_numbers(value):
    with pytest.raises(BadModelFile, match="it must be a list of whole numbers of at least 1"):
        options(dims=value).wholes("dims", at_least=1)


def test_one_size_stands_for_all_axes_and_tuples_are_lists():
    assert options(strides=2).wholes("strides", at_least=1, length=3) == (2, 2, 2)
    written = {"class_name": "__tuple__", "items": [2, 1]}
    assert options(dims=written).wholes("dims", at_least=1) == (2, 1)
    assert plain_list("x") == "x"


def test_what_nobody_asked_for_is_refused_unless_it_says_nothing():
    found = options(units=3, lora_rank=None, gated=False, name="d0", kernel_initializer={"a": 1})
    found.whole("units", at_least=1)
    found.refuse_leftovers()
    with pytest.raises(UnsupportedLayer) as caught:
        options(soft_cap=5.0).refuse_leftovers()
    assert str(caught.value) == (
        f"{WHERE}: option 'soft_cap' = 5.0 is unknown here and may change the arithmetic. "
        f"Build the layer without it."
    )
