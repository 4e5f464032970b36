"""merge-linear: a bias joins its sum."""

from __future__ import annotations

from hgq2rtl.passes import merge_linear_chains, remove_dead_values

from .rewrites import assert_keeps, assert_rewrites


def merge_and_clean(program):
    return remove_dead_values(merge_linear_chains(program))


def test_a_bias_joins_its_sum():
    """Catches a bias that costs an adder of its own behind the tree."""
    assert_rewrites(
        merge_and_clean,
        """
        %0 = input : s4e0
        %1 = input : u4e0
        %2 = const : u3e0[5,5]
        %3 = lincomb 3*%0 -2*%1 group=1 : s7e0[-54,21]
        %4 = lincomb 1*%3 1*%2 group=2 : s7e0[-49,26]
        output %4
        """,
        """
        %0 = input : s4e0
        %1 = input : u4e0
        %2 = const : u3e0[5,5]
        %4 = lincomb 3*%0 -2*%1 1*%2 group=1 : s7e0[-49,26]
        output %4
        """,
    )


def test_a_chain_becomes_one():
    """Catches coefficients that are not multiplied through, and ranges that stay too wide."""
    assert_rewrites(
        merge_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 3*%0 group=1 : s6e0[-24,21]
        %2 = lincomb -2*%1 1*%0 group=2 : s7e0[-50,55]
        %3 = lincomb 4*%2 group=3 : s9e0[-200,220]
        output %3
        """,
        """
        %0 = input : s4e0
        %3 = lincomb -20*%0 group=1 : s9e0[-140,160]
        output %3
        """,
    )


def test_terms_that_cancel_are_gone():
    """Catches a zero weight that the solver and the reports would meet."""
    assert_rewrites(
        merge_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 3*%0 : s6e0[-24,21]
        %2 = lincomb 2*%1 -6*%0 : s8e0[-90,90]
        output %2
        output %0
        """,
        """
        %0 = input : s4e0
        %2 = lincomb : u0e0
        output %2
        output %0
        """,
    )


def test_a_sum_with_two_readers_stays():
    """Catches work that is done twice."""
    assert_keeps(
        merge_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 3*%0 group=1 : s6e0[-24,21]
        %2 = lincomb 5*%1 group=2 : s8e0[-120,105]
        %3 = lincomb 7*%1 group=3 : s9e0[-168,147]
        output %2
        output %3
        """,
    )


def test_an_output_counts_as_a_reader():
    """Catches an output that loses its value, or a sum that is built twice."""
    assert_keeps(
        merge_and_clean,
        """
        %0 = input : s4e0
        %1 = lincomb 3*%0 group=1 : s6e0[-24,21]
        %2 = lincomb 7*%1 group=2 : s9e0[-168,147]
        output %1
        output %2
        """,
    )


def test_a_sum_that_wraps_stays_and_wraps():
    """Catches bits that come back because the cut between two sums is gone."""
    assert_keeps(
        merge_and_clean,
        """
        %0 = input : s8e0
        %1 = lincomb 3*%0 group=1 wrap : u4e0
        %2 = lincomb 5*%1 group=2 wrap : s5e0
        output %2
        """,
    )
