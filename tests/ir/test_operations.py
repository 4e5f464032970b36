"""Operations: each said once, and registers that are complete or do not import."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from

from hgq2rtl.ir import Table, one_per_operation
from hgq2rtl.ir.operations import (
    BY_NAME,
    FUNCTIONS,
    MOST_ATTRIBUTES,
    OPERATIONS,
    RELATIONS,
    Attribute,
    add,
    compare,
    lincomb,
    mux,
    operation,
    quantize_,
)

SEEDED = settings(derandomize=True, deadline=None, max_examples=100)

MEANINGS = {
    "add": [{"sign": sign, "shift": shift} for sign in (1, -1) for shift in (-3, 0, 2)],
    "mul": [{}],
    "slice": [{"low": low} for low in (-2, 0, 3)],
    "concat": [{"shift": 4}],
    "mask": [{"when": when} for when in (0, 1)],
    "mux": [{"shift": shift} for shift in (-2, 0, 3)],
    "compare": [{"relation": r, "shift": shift} for r in RELATIONS for shift in (-2, 0, 1)],
    "bitwise": [{"function": f} for f in FUNCTIONS],
    "lookup": [{"table": Table(-8, np.arange(100, 117))}],
    "output": [{"port": 0, "field": 0}],
    "row": [{"weights": [4, -1]}],
    "lincomb": [{"weights": [3, -5]}],
    "quantize": [
        {"shift": 2, "k": 1, "bits": 3, "rounding": "RND_CONV", "overflow": overflow}
        for overflow in ("WRAP", "SAT", "SAT_SYM", "WRAP_SM")
    ],
    "relu": [{}],
    "abs": [{}],
    "max": [{"shift": shift} for shift in (-1, 0, 2)],
    "min": [{"shift": shift} for shift in (-1, 0, 2)],
}
"""For each operation that has a meaning attributes to try it with."""


# -- registers ---------------------------------------------------------------


def test_a_register_that_lacks_an_operation_does_not_import():
    """Catches a stage that forgets an operation: it would be found in a wrong netlist."""
    emit = one_per_operation("emit")
    for each in OPERATIONS:
        if each not in (mux, compare):
            emit(each)(lambda: None)
    with pytest.raises(ImportError) as error:
        emit.close()
    assert str(error.value) == "emit lacks mux, compare"
    emit(mux, compare)(lambda: None)
    emit.close()


def test_a_register_of_what_hardware_has_may_leave_macros_out():
    """Catches a stage behind `expand` that would have to emit macros."""
    delay = one_per_operation("delay", without_macros=True)
    delay(*(o for o in OPERATIONS if not o.is_macro))(lambda: None)
    delay.close()
    with pytest.raises(KeyError):
        delay[lincomb]


def test_a_register_gives_what_was_registered():
    """Catches entries that are mixed up when one function serves several operations."""
    price = one_per_operation("price")

    @price(add, mux)
    def both():
        return 1

    @price(compare)
    def other():
        return 2

    assert price[add] is price[mux] is both
    assert price[compare] is other


def test_an_operation_with_too_many_attributes_does_not_import():
    """Catches an attribute that would fall off the columns of a Program."""
    count = len(OPERATIONS)
    many = [Attribute(f"a{n}", 0) for n in range(MOST_ATTRIBUTES + 1)]
    with pytest.raises(ImportError) as error:
        operation("wide", 1, *many, meaning=None)
    assert str(error.value) == "wide: at most 5 attributes fit the columns"
    assert len(OPERATIONS) == count and "wide" not in BY_NAME


def test_codes_are_places_in_the_table():
    """Catches an operation stored under another one's code."""
    assert [o.code for o in OPERATIONS] == list(range(len(OPERATIONS)))
    assert {o.name: o for o in OPERATIONS} == BY_NAME


def test_words_are_stored_as_their_place():
    """Catches an attribute that comes back as another word."""
    for attribute in quantize_.attributes:
        for word in attribute.words:
            assert attribute.decode(attribute.encode(word)) == word
    with pytest.raises(ValueError):
        compare.attributes[0].encode("gt")


# -- meanings ----------------------------------------------------------------


def test_every_operation_with_a_meaning_is_tried_here():
    """Catches a new operation that the test below would pass over."""
    assert set(MEANINGS) == {o.name for o in OPERATIONS if o.meaning is not None}


@pytest.mark.parametrize("name", MEANINGS)
@SEEDED
@given(rows=lists(lists(integers(-8, 8), min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_meaning_is_the_same_on_ints_and_on_arrays(name, rows):
    """Catches a meaning that chooses once for a whole array, or changes its type."""
    which = BY_NAME[name]
    count = 2 if which.operands is None else which.operands
    if name == "mux":
        rows = [[a & 1, b, c] for a, b, c in rows]
    if name == "mask":
        rows = [[a, b & 1, c] for a, b, c in rows]
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)][:count]
    for attributes in MEANINGS[name]:
        together = which.meaning(*columns, **attributes)
        single = [which.meaning(*row[:count], **attributes) for row in rows]
        assert together.tolist() == single, attributes
        assert together.dtype == np.int64


@SEEDED
@given(
    a=integers(-(2**100), 2**100),
    b=integers(-(2**100), 2**100),
    shift=integers(-80, 80),
    sign=sampled_from([1, -1]),
)
def test_scales_meet_at_the_finer_one_without_loss(a, b, shift, sign):
    """Catches a shift to the right: what it drops is gone, and 64 bits are not enough."""
    unit = 2 ** max(-shift, 0)
    exact_b = b * 2 ** max(shift, 0)
    assert add.meaning(a, b, sign=sign, shift=shift) == a * unit + sign * exact_b
    assert BY_NAME["max"].meaning(a, b, shift=shift) == max(a * unit, exact_b)
    assert BY_NAME["min"].meaning(a, b, shift=shift) == min(a * unit, exact_b)
    assert compare.meaning(a, b, relation="lt", shift=shift) == (a * unit < exact_b)
    assert compare.meaning(a, b, relation="le", shift=shift) == (a * unit <= exact_b)
    assert compare.meaning(a, b, relation="eq", shift=shift) == (a * unit == exact_b)
    assert compare.meaning(a, b, relation="ne", shift=shift) == (a * unit != exact_b)
    assert mux.meaning(1, a, b, shift=shift) == a * unit
    assert mux.meaning(0, a, b, shift=shift) == exact_b


def test_a_table_begins_at_its_base():
    """Catches a lookup by position instead of by number."""
    table = Table(-2, np.array([10, 11, 12, 13]))
    assert [table.at(n) for n in (-2, -1, 0, 1)] == [10, 11, 12, 13]
    assert table.at(np.array([1, -2])).tolist() == [13, 10]


def test_a_table_may_hold_more_than_64_bits():
    """Catches contents cut to a machine word."""
    table = Table(0, np.array([2**80, -(2**90)], object))
    assert [table.at(0), table.at(1)] == [2**80, -(2**90)]
