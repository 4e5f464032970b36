"""Port formats as users write them."""

from __future__ import annotations

import pytest

from hgq2rtl.errors import BadOption
from hgq2rtl.lowering import FormatWish
from hgq2rtl.lowering.wishes import parse_wishes, split_wish

NAMES = ("x", "y")


@pytest.mark.parametrize(
    ("wish", "format"),
    [
        ("1,3,4", FormatWish(1, 3, 4)),
        (" 0, -2 ,5 ", FormatWish(0, -2, 5)),
        ((1, 3, 4), FormatWish(1, 3, 4)),
        ([0, 8, -3], FormatWish(0, 8, -3)),
        (FormatWish(1, 2, 3, "RND", "SAT"), FormatWish(1, 2, 3, "RND", "SAT")),
        ("1,3,4,RND", FormatWish(1, 3, 4, "RND")),
        ("1,3,4,RND_CONV,SAT_SYM", FormatWish(1, 3, 4, "RND_CONV", "SAT_SYM")),
        ("0,64,0", FormatWish(0, 64, 0)),
    ],
)
def test_a_format_is_read(wish, format):
    """Catches a spelling that one of command line and API takes alone."""
    assert parse_wishes({"y": wish}, NAMES, "output") == {"y": format}


def test_one_format_holds_for_every_port():
    """Catches a port that is left out, or a named one that loses against it."""
    assert parse_wishes("1,3,4", NAMES, "input") == dict.fromkeys(NAMES, FormatWish(1, 3, 4))
    assert parse_wishes({"": "1,3,4", "y": "0,1,0"}, NAMES, "input") == {
        "x": FormatWish(1, 3, 4),
        "y": FormatWish(0, 1, 0),
    }


def test_without_a_wish_nothing_is_fixed():
    """Catches a default format for a port that the model describes."""
    assert parse_wishes(None, NAMES, "input") == {}
    assert parse_wishes({}, NAMES, "input") == {}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1,3,4", ("", "1,3,4")),
        ("x=1,3,4", ("x", "1,3,4")),
        ("a=b=1,3,4", ("a=b", "1,3,4")),
        ("=1,3,4", ("", "1,3,4")),
    ],
)
def test_a_name_stands_before_the_last_equals_sign(text, parts):
    """Port names come from model files and may hold one."""
    assert split_wish(text) == parts


@pytest.mark.parametrize(
    ("wishes", "direction", "message"),
    [
        ({"z": "1,3,4"}, "input", "the model has no input 'z': it has 'x', 'y'"),
        (
            "1,3",
            "input",
            "input format '1,3': write k,i,f with sign bits, integer bits without sign, and "
            "fraction bits, for example 1,3,4",
        ),
        (
            "1,3.5,2",
            "output",
            "output format '1,3.5,2': write k,i,f with sign bits, integer bits without sign, and "
            "fraction bits, for example 1,3,4",
        ),
        (
            (1, 2.5, 3),
            "input",
            "input format (1, 2.5, 3): write k,i,f with sign bits, integer bits without sign, and "
            "fraction bits, for example 1,3,4",
        ),
        (
            "",
            "input",
            "input format '': write k,i,f with sign bits, integer bits without sign, and "
            "fraction bits, for example 1,3,4",
        ),
        (
            "2,3,4",
            "input",
            "input format '2,3,4': k must be 0 or 1 and k + i + f from 1 to 64",
        ),
        (
            "1,-3,2",
            "input",
            "input format '1,-3,2': k must be 0 or 1 and k + i + f from 1 to 64",
        ),
        (
            "1,60,4",
            "input",
            "input format '1,60,4': k must be 0 or 1 and k + i + f from 1 to 64",
        ),
        (
            "1,3,4,RND",
            "input",
            "input format '1,3,4,RND': an input port takes k,i,f only",
        ),
        (
            "1,3,4,NEAR",
            "output",
            "output format '1,3,4,NEAR': rounding is one of TRN, RND, RND_CONV, TRN_ZERO, "
            "RND_ZERO, RND_INF, RND_MIN_INF; overflow one of WRAP, SAT, SAT_SYM, WRAP_SM",
        ),
        (
            "1,3,4,RND,CLIP",
            "output",
            "output format '1,3,4,RND,CLIP': rounding is one of TRN, RND, RND_CONV, TRN_ZERO, "
            "RND_ZERO, RND_INF, RND_MIN_INF; overflow one of WRAP, SAT, SAT_SYM, WRAP_SM",
        ),
    ],
)
def test_what_is_no_wish_is_refused(wishes, direction, message):
    """Catches a format that is cut, clipped or taken for another port's."""
    with pytest.raises(BadOption) as error:
        parse_wishes(wishes, NAMES, direction)
    assert str(error.value) == message
