"""Area and delay of products of two variables."""

from __future__ import annotations

import pytest

from hgq2rtl.analyses import areas, delays
from hgq2rtl.ir import parse, verify
from hgq2rtl.targets import target_for

TARGET = target_for()


def product(a: str, b: str, result: str) -> tuple[int, float]:
    """LUTs and ns of one product of inputs of these formats."""
    program = verify(
        parse(f"%0 = input : {a}\n%1 = input : {b}\n%2 = mul %0, %1 : {result}\noutput %2")
    )
    return areas(program, TARGET)[2].luts, float(delays(program, TARGET).logic_ns[2])


def test_a_product_grows_with_both_operands():
    """Catches a product that is priced as a sum."""
    small, large = product("s4e0", "s4e0", "s8e0"), product("s8e0", "s4e0", "s12e0")
    assert small[0] == 16 and large[0] == 32
    assert small[1] < large[1] < product("s8e0", "s8e0", "s16e0")[1]


@pytest.mark.parametrize("formats", [("u1e0", "s6e0"), ("s6e0", "u1e0")])
def test_a_product_with_a_bit_is_a_choice(formats):
    """Catches a multiplier for an and of each bit."""
    luts, ns = product(*formats, "s6e0")
    assert luts == 3
    assert ns == pytest.approx(TARGET.delay_ns["lut"])
