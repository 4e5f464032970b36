"""solve-linear: linear combinations become rows, block by block."""

from __future__ import annotations

import pytest

from hgq2rtl.cmvm import AdderGraph, Node, solve
from hgq2rtl.cmvm.graph import Output
from hgq2rtl.ir import parse, verify
from hgq2rtl.ir.operations import lincomb, row
from hgq2rtl.passes import fold_constants, remove_dead_values, run_passes, solve_linear_groups

from .rewrites import assert_rewrites, assert_same_outputs


def solve_and_clean(program):
    return remove_dead_values(fold_constants(solve_linear_groups(program)))


def test_a_product_is_signed_digits():
    """Catches a multiplier, or binary digits where signed ones are fewer."""
    assert_rewrites(
        solve_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 7*%0 : s7e0[-56,49]
        output %1
        """,
        """
        %0 = input : s4e0
        %1 = row -1*%0 8*%0 : s7e0[-56,49]
        output %1
        """,
    )


def test_constants_are_added_once():
    """Catches a constant that is multiplied, or added twice."""
    assert_rewrites(
        solve_and_clean,
        """
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = const : u3e0[5,5]
        %3 = const : s2e0[-2,-2]
        %4 = lincomb 1*%0 3*%2 1*%1 -1*%3 : u5e0[1,31]
        output %4
        """,
        """
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = const : u5e0[17,17]
        %3 = row 1*%0 1*%1 1*%2 : u5e0[1,31]
        output %3
        """,
    )


def test_a_power_of_two_is_wires():
    """Catches an adder for a shift."""
    assert_rewrites(
        solve_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 8*%0 : s7e0[-64,56]
        output %1
        """,
        """
        %0 = input : s4e0
        %1 = slice %0 low=-3 : s7e0[-64,56]
        output %1
        """,
    )


def test_a_negation_is_a_row_with_the_constant():
    """Catches a negation and an addition where one subtraction does both."""
    assert_rewrites(
        solve_and_clean,
        """
        %0 = input : s4e0
        %1 = const : u3e0[5,5]
        %2 = lincomb -4*%0 1*%1 : s7e0[-23,37]
        output %2
        """,
        """
        %0 = input : s4e0
        %1 = const : u3e0[5,5]
        %2 = row -4*%0 1*%1 : s7e0[-23,37]
        output %2
        """,
    )


def test_members_of_a_group_share_their_sums():
    """Catches a block that is solved column by column."""
    program = verify(
        parse("""
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = lincomb 1*%0 1*%1 group=1 : s5e0[-16,14]
        %3 = lincomb 2*%0 2*%1 group=1 : s6e0[-32,28]
        %4 = lincomb 1*%0 1*%1 group=2 : s5e0[-16,14]
        output %2
        output %3
        output %4
        """)
    )
    solved = solve_and_clean(program)
    assert len(solved.values_of(row)) == 4  # a sum and two ends, a sum that is its end
    assert_same_outputs(program, solved)


def test_a_member_that_needs_a_later_value_is_a_block_of_its_own():
    """Catches a block that is built before its operands."""
    assert_rewrites(
        solve_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 1*%0 group=1 : s4e0
        %2 = relu %1 : u3e0
        %3 = lincomb 1*%2 1*%0 group=1 : s5e0[-8,14]
        output %3
        """,
        """
        %0 = input : s4e0
        %1 = relu %0 : u3e0
        %2 = row 1*%1 1*%0 : s5e0[-8,14]
        output %2
        """,
    )


def test_a_sum_that_wraps_is_cut():
    """Catches bits above the format, and a cut that the verifier cannot see."""
    assert_rewrites(
        solve_and_clean,
        """
        %0 = input : s4e0
        %1 = const : u3e0[5,5]
        %2 = lincomb 3*%0 group=1 wrap : u4e0
        %3 = lincomb 3*%0 1*%1 group=1 wrap : s3e0
        %4 = lincomb 5*%1 group=1 wrap : s3e0
        output %2
        output %3
        output %4
        """,
        """
        %0 = input : s4e0
        %1 = const : u6e0[36,36]
        %2 = row 1*%0 -4*%0 1*%1 : u6e0[15,60]
        %3 = const : u6e0[36,36]
        %4 = row -1*%2 1*%3 wrap : u4e0
        %5 = const : u6e0[41,41]
        %6 = row -1*%2 1*%5 wrap : s3e0
        %7 = const : u1e0[1,1]
        output %4
        output %6
        output %7
        """,
    )


def test_ranges_are_those_of_whole_forms():
    """``4x - x`` is ``3x`` wide: catches a range from the operands alone."""
    program = verify(
        parse("""
        %0 = input : s8e0
        %1 = input : s8e0
        %2 = lincomb 3*%0 1*%1 : s10e0[-512,508]
        %3 = lincomb 3*%0 16*%1 : s13e0[-2432,2413]
        output %2
        output %3
        """)
    )
    solved = solve_linear_groups(program)
    reached = [hi - lo for lo, hi in map(solved.interval, solved.values_of(row).tolist())]
    assert 3 * 255 in reached


@pytest.mark.parametrize("weights", [(2**70, -(2**69)), (3**50, 5**40), (-(2**63), 2**63)])
def test_wide_weights_are_solved(weights):
    """Catches a coefficient that passes through int64."""
    a, b = weights
    lo = sum(min(w * -8, w * 7) for w in weights)
    hi = sum(max(w * -8, w * 7) for w in weights)
    width = max(hi.bit_length(), (-lo - 1).bit_length()) + 1
    program = verify(
        parse(f"""
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = lincomb {a}*%0 {b}*%1 : s{width}e0[{lo},{hi}]
        output %2
        """)
    )
    solved = verify(solve_linear_groups(program))
    assert not len(solved.values_of(lincomb))
    assert_same_outputs(program, solved)


def test_values_keep_their_place():
    """Reports and names ask for it: catches a sum that belongs to no output or layer."""
    assert_rewrites(
        solve_and_clean,
        """
        layer "dense" QDense
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = lincomb 1*%0 2*%1 group=1 : s6e0[-24,21] @0[0]
        %3 = lincomb 3*%1 group=1 : s6e0[-24,21] @0[1]
        output %2
        output %3
        """,
        """
        layer "dense" QDense
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = row 1*%0 2*%1 : s6e0[-24,21] @0[0]
        %3 = row -1*%1 4*%1 : s6e0[-24,21] @0[1]
        output %2
        output %3
        """,
    )


# -- blocks that repeat ----------------------------------------------------------


POSITIONS = """
    layer "conv" QConv1D
    %0 = input : s4e0
    %1 = input : s4e0
    %2 = input : s4e0
    %3 = input : s4e0
    %4 = lincomb 3*%0 -5*%1 group=1 : s7e0[-59,61] @0[0]
    %5 = lincomb 1*%0 1*%1 group=1 : s5e0[-16,14] @0[1]
    %6 = lincomb 3*%2 -5*%3 group=2 : s7e0[-59,61] @0[2]
    %7 = lincomb 1*%2 1*%3 group=2 : s5e0[-16,14] @0[3]
    %8 = lincomb 3*%1 -5*%2 group=3 : s7e0[-59,61] @0[4]
    output %4
    output %5
    output %6
    output %7
    output %8
"""


def solved_matrices(monkeypatch):
    """Matrices that the solver gets from now on."""
    solved = []

    def counted(matrix, *rest):
        solved.append(matrix.tolist())
        return solve(matrix, *rest)

    monkeypatch.setattr("hgq2rtl.cmvm.many.solve", counted)
    return solved


def test_equal_blocks_are_solved_once(monkeypatch):
    """Catches a kernel that is solved again at every position."""
    solved = solved_matrices(monkeypatch)
    program = verify(parse(POSITIONS))
    assert_same_outputs(program, solve_linear_groups(program))
    assert sorted(solved) == [[[3], [-5]], [[3, 1], [-5, 1]]]


def test_blocks_of_other_inputs_or_weights_are_solved_apart(monkeypatch):
    """Catches a graph whose widths belong to another block."""
    solved = solved_matrices(monkeypatch)
    program = verify(
        parse("""
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = input : s4e0[-7,7]
        %3 = lincomb 3*%0 5*%1 group=1 : s7e0[-64,56]
        %4 = lincomb 3*%0 5*%2 group=2 : s7e0[-59,56]
        %5 = lincomb 3*%0 -5*%1 group=3 : s7e0[-59,61]
        output %3
        output %4
        output %5
        """)
    )
    done = solve_linear_groups(program)
    assert len(solved) == 3 and (done.block == -1).all()
    assert_same_outputs(program, done)


def test_values_of_a_repeated_block_bear_its_number():
    """Catches copies that no later stage can tell apart, and numbers of what is there once."""
    done = solve_and_clean(verify(parse(POSITIONS)))
    elements = {n: set() for n in range(-1, 3)}
    for value in done:
        if value.operation is row:
            elements[value.block].add(value.provenance[1])
    assert elements == {-1: {4}, 0: {0, 1}, 1: {2, 3}, 2: set()}


def test_a_sum_belongs_to_the_output_that_reads_it():
    """Catches names of the first position at every other one."""
    done = solve_and_clean(verify(parse(POSITIONS)))
    last = [value for value in done if value.operation is row and value.provenance[1] == 4]
    first = [value for value in done if value.operation is row and value.provenance[1] == 0]
    assert len(last) == len(first) > 1


def test_many_equal_blocks_are_built_alike():
    """Catches a copy whose constant, shift or sign is another's."""
    lines = [f"%{n} = input : s5e0" for n in range(12)]
    lines += [
        f"%{12 + p} = const : s{(5 - p).bit_length() + 1}e0[{p - 6},{p - 6}]" for p in range(6)
    ]
    for p in range(6):
        a, b, c = 2 * p, 2 * p + 1, 12 + p
        lines.append(f"%{18 + p} = lincomb 12*%{a} -7*%{b} 1*%{c} group={p} wrap : s7e0")
    program = verify(parse("\n".join([*lines, *(f"output %{18 + p}" for p in range(6))])))
    assert_same_outputs(program, solve_linear_groups(program))


def test_a_long_recurrence_is_no_recursion():
    """Each step reads the one before: catches a walk that calls itself for every operand."""
    lines = ['layer "rnn" QSimpleRNN', "%0 = input : s5e0", "%1 = input : s5e0"]
    for n in range(2, 6000, 2):
        lines.append(f"%{n} = lincomb 3*%{n - 1} -1*%0 group={n} : s7e0[-63,61] @0[{n}]")
        lines.append(f"%{n + 1} = quantize %{n} k=1 bits=4 shift=2 overflow=SAT : s5e2 @0[{n}]")
    program = verify(parse("\n".join([*lines, f"output %{n + 1}"])))
    done = run_passes(program)
    assert len(done) > 9_000
    assert_same_outputs(program, done, samples=6)


@pytest.mark.parametrize("end", ["s4e0", "s3e0"])
def test_an_output_that_drops_zeros_keeps_its_range(monkeypatch, end):
    """``3 a - a`` is ``2 a``, twice what is wanted: its operands alone would allow more."""
    graph = AdderGraph(1, (Node(0, 2, 1, 0, 0, -1), Node(1, 0, 1, 0, 0, -1)), (Output(2, -1, 1),))
    monkeypatch.setattr("hgq2rtl.passes.solve.solve_all", lambda *_, **__: [graph])
    wraps = "wrap" if end == "s3e0" else ""
    program = verify(parse(f"%0 = input : s4e0\n%1 = lincomb 1*%0 {wraps} : {end}\noutput %1"))
    assert_same_outputs(program, verify(solve_linear_groups(program)))
