"""Prices of adder graphs, worked out by hand."""

from __future__ import annotations

import pytest

from hgq2rtl.cmvm import AdderGraph, Cost, Node
from hgq2rtl.cmvm.graph import ZERO, Output
from hgq2rtl.cmvm.price import Price, price

NIBBLE, BYTE = (0, 15), (0, 255)
SIGNED_BYTE = (-128, 127)
ROWS, SIGNED = Cost(), Cost("signed")


def one(node: Node, *outputs: Output) -> AdderGraph:
    return AdderGraph(2, (node,), outputs or (Output(2, 0, 1),))


@pytest.mark.parametrize(
    ("node", "inputs", "luts", "carry_positions", "inverters", "growing"),
    [
        # a a a a        the carry out takes a position, no LUT
        # b b b b
        (Node(0, 0, 1, 1, 0, 1), [NIBBLE, NIBBLE], 4, 1, 0, 1),
        # Nobody sees the offset of a signed input.
        (Node(0, 0, 1, 1, 0, 1), [(-8, 7), (100, 115)], 4, 1, 0, 1),
        # a a a a a a a a
        #   b b b b      the low two pass, the carry runs through three and out
        (Node(0, 0, 1, 1, 2, 1), [BYTE, NIBBLE], 4, 3, 0, 1),
        # The same subtracted: four positions of a or b alone are complemented, or none of b.
        (Node(0, 0, 1, 1, 2, -1), [BYTE, NIBBLE], 4, 3, 0, 1),
        (Node(0, 0, -1, 1, 2, 1), [NIBBLE, NIBBLE], 2, 3, 2, 1),
        # Side by side, with a gap, with a sign: wires.
        (Node(0, 0, 1, 1, 4, 1), [NIBBLE, NIBBLE], 0, 0, 0, 0),
        (Node(0, 0, -1, 1, 9, 1), [SIGNED_BYTE, NIBBLE], 0, 0, 4, 0),
        # 4 a - a is 3 a, two bits wider than a, not three.
        (Node(0, 2, 1, 0, 0, -1), [NIBBLE, NIBBLE], 2, 2, 2, 0),
        # A constant has no bits.
        (Node(0, 0, 1, 1, 0, 1), [NIBBLE, (7, 7)], 0, 0, 0, 0),
    ],
)
def test_rows_of_two_operands(node, inputs, luts, carry_positions, inverters, growing):
    """Catches a LUT for a sign extension, a low bit, a concatenation or the carry."""
    wanted = Price(luts, carry_positions, inverters, growing, adders=1, depth=1)
    assert price(one(node), inputs, ROWS) == wanted


@pytest.mark.parametrize(
    ("node", "inputs", "luts"),
    [
        (Node(0, 0, 1, 1, 0, 1), [NIBBLE, NIBBLE], 5),
        (Node(0, 0, 1, 1, 2, 1), [NIBBLE, NIBBLE], 5),  # two low bits pass
        (Node(0, 0, 1, 1, 2, -1), [NIBBLE, NIBBLE], 5),  # -60 .. 15: seven bits, two pass
        (Node(0, 0, -1, 1, 2, 1), [NIBBLE, NIBBLE], 7),  # the borrow of the lower runs through
        (Node(0, 0, 1, 1, 4, 1), [NIBBLE, NIBBLE], 0),  # a concatenation
        (Node(0, 0, 1, 1, 4, -1), [NIBBLE, NIBBLE], 5),  # not of a subtraction
        (Node(0, 0, 1, 1, 8, 1), [SIGNED_BYTE, NIBBLE], 5),  # nor of a signed number
        (Node(0, 2, 1, 0, 0, -1), [NIBBLE, NIBBLE], 6),
    ],
)
def test_adders_of_two_complements(node, inputs, luts):
    """Catches the top of the operands for that of the form, and a borrow that is forgotten."""
    assert price(one(node), inputs, SIGNED).luts == luts


def test_a_negated_output_is_an_adder_of_its_own():
    """Once for all that read it; rows negate for nothing."""
    outputs = (Output(2, 0, -1), Output(2, 3, -1), Output(ZERO, 0, 1))
    graph = one(Node(0, 0, 1, 1, 0, 1), *outputs)
    signed = price(graph, [NIBBLE, NIBBLE], SIGNED)
    assert (signed.luts, signed.adders, signed.depth) == (5 + 6, 2, 2)
    rows = price(graph, [NIBBLE, NIBBLE], ROWS)
    assert (rows.luts, rows.adders, rows.depth) == (4, 1, 1)


def test_trailing_zeros_of_a_sum_are_no_bits_of_it():
    """3 a + b with a + b - 2 a: only even; catches a row that adds zeros."""
    nodes = (Node(0, 0, 1, 1, 0, 1), Node(0, 0, 1, 1, 0, -1), Node(2, 0, 1, 3, 0, 1))
    graph = AdderGraph(2, (*nodes, Node(4, 0, 1, 1, 0, 1)), (Output(5, 0, 1),))
    # a + b, a - b, their sum 2 a of bits 1 to 4, and b: positions 1, 2 and 3 overlap.
    assert price(graph, [NIBBLE, NIBBLE], ROWS).luts == 4 + 4 + 5 + 3


def test_a_row_of_three_operands():
    """Positions that two of three cover, and one; catches the inner row priced as well."""
    nodes = (Node(0, 0, 1, 1, 0, 1), Node(3, 0, 1, 2, 2, 1))
    inputs = [NIBBLE, NIBBLE, BYTE]
    plain = AdderGraph(3, nodes, (Output(4, 0, 1),))
    assert price(plain, inputs, ROWS).luts == 4 + 3
    fused = AdderGraph(3, nodes, (Output(4, 0, 1),), fused=(3,))
    # Positions 0 to 3, and one; the chain ends at 1050, position 10.
    wanted = Price(luts=5, carry_positions=6, inverters=0, growing=0, adders=2, depth=2)
    assert price(fused, inputs, ROWS) == wanted


def test_the_total_weighs_carry_positions():
    """In LUTs; catches a price of the signed cost that counts them."""
    graph = one(Node(0, 0, 1, 1, 0, 1))
    assert price(graph, [NIBBLE, NIBBLE], ROWS).total(Cost(carry_position=0.5)) == 4.5
    assert price(graph, [NIBBLE, NIBBLE], SIGNED).total(SIGNED) == 5
