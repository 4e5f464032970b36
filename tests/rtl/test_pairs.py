"""Masks and choices are cells only where their value is needed as a wire."""

from __future__ import annotations

import pytest

from hgq2rtl.ir import parse, verify
from hgq2rtl.rtl import CoreOptions, emit
from hgq2rtl.rtl.copies import Copies
from hgq2rtl.rtl.pairs import find_pairs
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import target_for

HEAD = """
layer "relu" QDense
%0 = input : u6e0
%1 = input field=1 : u1e0
%2 = input field=2 : u6e0
%3 = mask %0, %1 when=1 : u6e0 @0[0]
"""


def scheduled(text: str, stages: int | None = None) -> Schedule:
    wish = ScheduleWish(is_combinational=True) if stages is None else ScheduleWish(stages=stages)
    return schedule(verify(parse(HEAD + text)), target_for(), wish)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("%4 = row 1*%2 1*%3 : u7e0[0,126] @0[1]\noutput %4", set()),
        ("%4 = row 1*%3 1*%2 : u7e0[0,126] @0[1]\noutput %4", set()),
        ("%4 = row 8*%2 1*%3 : u10e0[0,567] @0[1]\noutput %4", {3}),
        ("%4 = row 1*%2 2*%0 1*%3 : u8e0[0,252] @0[1]\noutput %4", {3}),
        ("%4 = row 1*%2 1*%3 : u7e0[0,126] @0[1]\noutput %4\noutput %3", {3}),
        (
            "%4 = slice %3 wrap : u4e0 @0[1]\n%5 = row 1*%2 1*%4 : u7e0[0,78] @0[1]\noutput %5",
            set(),
        ),
        ("%4 = slice %3 low=2 : u4e0 @0[1]\noutput %4", {3}),
        (
            "%4 = mux %1, %0, %2 : u6e0 @0[1]\n%5 = row 1*%3 1*%4 : u7e0[0,126] @0[1]\noutput %5",
            {3},
        ),
    ],
    ids=[
        "absorbed",
        "absorbed in the other order",
        "some bits below the chain",
        "compressed",
        "also an output",
        "absorbed behind wiring",
        "an output behind wiring",
        "one of two is absorbed",
    ],
)
def test_a_pair_is_what_a_reader_needs_as_a_wire(text, pairs):
    """Catches a cell where synthesis builds nothing, and LUTs that a pair would halve."""
    assert find_pairs(Copies(scheduled(text))) == pairs


def test_a_mask_that_only_registers_read_is_left_to_their_reset():
    text = "%4 = row 8*%2 -1*%0 : s10e0[-63,504] @0[1]\n%5 = row 1*%3 1*%4 : s11e0[-63,567] @0[1]"
    for stages in (2, 3):
        when = scheduled(f"{text}\noutput %5", stages)
        is_later = when.stage[5] > when.stage[3]
        assert find_pairs(Copies(when)) == (set() if is_later else {3})


def test_two_positions_of_a_mask_share_a_cell():
    when = scheduled("output %3")
    files = emit(when, "core", CoreOptions(has_primitives=True)).files
    assert list(files) == ["core.v", "core__relu.v", "core__cell__mask.v"]
    assert "core__cell__mask #(" in files["core__relu.v"]
    plain = emit(when, "core").files
    assert list(plain) == ["core.v", "core__relu.v"] and "cell" not in plain["core__relu.v"]
