"""Names of any kind become legal identifiers of Verilog, no two alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgq2rtl.rtl import unique_identifiers
from hgq2rtl.rtl.names import LONGEST, RESERVED, identifier

SEEDED = settings(derandomize=True, deadline=None)
NAMES = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"[a-c_0-2/]{0,6}", fullmatch=True),
    st.sampled_from(sorted(RESERVED)),
)
LEGAL = st.from_regex(r"[A-Za-z](_?[A-Za-z0-9]){0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in RESERVED
)


@SEEDED
@given(NAMES)
def test_an_identifier_is_legal(name):
    """Catches what needs an escape in Verilog, or is a keyword of Verilog or VHDL."""
    made = identifier(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", made)
    assert made.lower() not in RESERVED
    assert len(made) <= LONGEST + 2


@SEEDED
@given(st.lists(NAMES, max_size=12), st.lists(LEGAL, max_size=4))
def test_identifiers_are_unique_whatever_the_case(names, taken):
    """Catches two names that a tool without case, or a file system, takes for one."""
    made = unique_identifiers(names, taken)
    folded = [name.lower() for name in made]
    assert len(made) == len(names)
    assert len(set(folded)) == len(folded)
    assert not set(folded) & {name.lower() for name in taken}
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in made)
    assert not RESERVED & set(folded)


@SEEDED
@given(LEGAL)
def test_a_legal_name_stays(name):
    """Catches signals that a user cannot find under the model's names."""
    assert identifier(name) == name
    assert unique_identifiers([name]) == [name]


@SEEDED
@given(st.one_of(NAMES.filter(lambda name: len(name) < LONGEST), LEGAL))
def test_to_make_a_name_legal_twice_changes_nothing(name):
    assert identifier(identifier(name)) == identifier(name)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("layer/1 (x)", "layer_1_x"),
        ("module", "module_"),
        ("Module", "Module_"),
        ("signal", "signal_"),
        ("3d", "n3d"),
        ("__x__", "x"),
        ("größe", "gr_e"),
        ("", "unnamed"),
        ("層", "unnamed"),
        ("$\\x;y", "x_y"),
        ("x" * 99, "x" * LONGEST),
    ],
)
def test_examples(name, made):
    assert identifier(name) == made


def test_a_name_that_collides_gets_the_first_free_number():
    made = unique_identifiers(["x", "X", "x_2", "x", "clk"], taken=["CLK"])
    assert made == ["x", "X_2", "x_2_2", "x_3", "clk_2"]
