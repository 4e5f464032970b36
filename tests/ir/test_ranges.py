"""Ranges: every result of every operation lies inside, and the ends are reached."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from hgq2rtl.fixed import OVERFLOWS, ROUNDINGS
from hgq2rtl.ir import Table
from hgq2rtl.ir.operations import BY_NAME, FUNCTIONS, OPERATIONS, RELATIONS, const, input_
from hgq2rtl.ir.ranges import range_of

BIT = (0, 1)
TRIES = 40
"""Random choices of intervals and attributes for each operation."""


def small(rng: random.Random) -> tuple[int, int]:
    lo = rng.randint(-12, 12)
    return lo, lo + rng.choice((0, 1, 3, 9))


def tried(name: str, rng: random.Random) -> tuple[list[tuple[int, int]], dict]:
    """Operand intervals and attributes, at random."""
    shift = {"shift": rng.randint(-3, 3)}
    a, b = small(rng), small(rng)
    match name:
        case "add":
            return [a, b], shift | {"sign": rng.choice((1, -1))}
        case "slice":
            return [a], {"low": rng.randint(-2, 4)}
        case "concat":
            lo = rng.randint(0, 7)
            return [(lo, rng.randint(lo, 7)), b], {"shift": rng.randint(3, 4)}
        case "mask":
            return [a, BIT], {"when": rng.randint(0, 1)}
        case "mux":
            return [BIT, a, b], shift
        case "compare":
            return [a, b], shift | {"relation": rng.choice(RELATIONS)}
        case "bitwise":
            return [a, b], {"function": rng.choice(FUNCTIONS)}
        case "lookup":
            contents = np.array([rng.randint(-50, 50) for _ in range(a[1] - a[0] + 1)])
            return [a], {"table": Table(a[0], contents)}
        case "output":
            return [a], {"port": 0, "field": 0}
        case "lincomb":
            operands = [small(rng) for _ in range(rng.randint(0, 3))]
            return operands, {"weights": [rng.randint(-5, 5) for _ in operands]}
        case "row":
            operands = [small(rng) for _ in range(rng.randint(1, 3))]
            return operands, {"weights": [rng.choice((1, -1, 4, -2)) for _ in operands]}
        case "quantize":
            return [a], {
                "shift": rng.randint(-2, 3),
                "k": rng.randint(0, 1),
                "bits": rng.randint(-1, 5),
                "rounding": rng.choice(ROUNDINGS),
                "overflow": rng.choice(OVERFLOWS),
            }
        case "max" | "min":
            return [a, b], shift
    return [small(rng) for _ in range(BY_NAME[name].operands)], {}


def is_exact(name: str, attributes: dict) -> bool:
    """Whether the rule claims that both ends are reached."""
    if name == "quantize":
        return attributes["overflow"].startswith("SAT")
    return name not in ("compare", "bitwise")


def results(name: str, intervals: list[tuple[int, int]], attributes: dict) -> set[int]:
    members = [range(lo, hi + 1) for lo, hi in intervals]
    return {BY_NAME[name].meaning(*each, **attributes) for each in itertools.product(*members)}


@pytest.mark.parametrize("name", [o.name for o in OPERATIONS if o not in (input_, const)])
def test_all_results_lie_in_the_range_and_reach_its_ends(name):
    """Catches a range that is too narrow (a wrong netlist) or too wide (wasted bits)."""
    rng = random.Random(name)
    for _ in range(TRIES):
        intervals, attributes = tried(name, rng)
        lo, hi = range_of[BY_NAME[name]](*intervals, **attributes)
        found = results(name, intervals, attributes)
        case = f"{name} {intervals} {attributes}"
        assert lo <= min(found) and max(found) <= hi, case
        if is_exact(name, attributes):
            assert (lo, hi) == (min(found), max(found)), case


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_quantizer_that_holds_every_result_keeps_the_exact_range(rounding):
    """Catches a WRAP that claims its whole format although nothing wraps."""
    rng = random.Random(rounding)
    for _ in range(TRIES):
        interval, shift = small(rng), rng.randint(-1, 3)
        attributes = {"shift": shift, "k": 1, "bits": 9, "rounding": rounding}
        attributes["overflow"] = "WRAP"
        found = results("quantize", [interval], attributes)
        got = range_of[BY_NAME["quantize"]](interval, **attributes)
        assert got == (min(found), max(found)), (interval, shift)


def test_a_mask_by_a_bit_may_always_be_zero():
    """Catches the range of the operand alone."""
    assert range_of[BY_NAME["mask"]]((3, 5), BIT, when=1) == (0, 5)
    assert range_of[BY_NAME["mask"]]((-5, -3), BIT, when=0) == (-5, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bitwise_ranges_fit_the_wider_operand(function):
    """Catches a bitwise result that gets more bits than its operands, or fewer."""
    for a, b in itertools.product([(0, 9), (-3, 4), (5, 6), (-16, 15), (0, 0)], repeat=2):
        lo, hi = range_of[BY_NAME["bitwise"]](a, b, function)
        found = results("bitwise", [a, b], {"function": function})
        assert lo <= min(found) and max(found) <= hi
        widest = max(abs(n) for n in (*a, *b)).bit_length() + 1
        assert -(2**widest) <= lo and hi < 2**widest


@pytest.mark.parametrize("which", [input_, const])
def test_inputs_and_constants_have_no_rule(which):
    """Catches a default range for what only the port or the constant itself can say."""
    with pytest.raises(TypeError) as error:
        range_of[which]()
    assert str(error.value) == "inputs and constants say their interval themselves"
