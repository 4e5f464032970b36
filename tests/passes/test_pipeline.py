"""All passes on programs at random: the same integers before and after each."""

from __future__ import annotations

import pytest

from hgq2rtl.errors import BadOption
from hgq2rtl.ir import Builder, parse, verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.passes import PASSES, run_passes

from ..ir.random_programs import random_mantissas, random_program
from .rewrites import assert_same_outputs, body

WIDTHS = (4, 9, 16, 33, 64, 80)
SEEDS = range(12)


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("widest", WIDTHS)
def test_each_pass_keeps_every_output(name, widest):
    """Catches a pretty rewrite that changes a bit, or that the verifier refuses."""
    for seed in SEEDS:
        program = random_program(seed, size=25, widest=widest)
        assert_same_outputs(program, run_passes(program, [name]), samples=12, seed=seed)


@pytest.mark.parametrize("widest", WIDTHS)
def test_the_whole_pipeline_keeps_every_output(widest):
    """Catches what one pass leaves that the next does not expect."""
    for seed in SEEDS:
        program = random_program(1000 + seed, size=40, widest=widest)
        done = run_passes(program)
        assert_same_outputs(program, done, samples=12, seed=seed)
        assert not any(value.operation.is_macro for value in done)


@pytest.mark.parametrize("seed", range(6))
def test_passes_may_run_in_any_order_and_again(seed):
    """A pass never asks which ran before: catches one that does."""
    program = random_program(seed, size=30, widest=12)
    again = [*reversed(PASSES), *PASSES, *PASSES]
    assert_same_outputs(program, run_passes(program, again), samples=12)


def test_the_kernel_agrees_after_the_pipeline():
    """What users run: catches a program that only Python ints evaluate rightly."""
    for seed in SEEDS:
        program = random_program(seed, size=40, widest=15)
        mantissas = random_mantissas(program, 50, seed)
        exact = Interpreter(program, exact=True).run(mantissas)
        kernel = Interpreter(run_passes(program)).run(mantissas)
        assert all((a == b).all() for a, b in zip(exact, kernel, strict=True))


def test_a_second_run_changes_nothing():
    """Catches passes that undo each other's work, or never come to an end."""
    for seed in SEEDS:
        once = run_passes(random_program(seed, size=30, widest=12))
        assert body(run_passes(run_passes(once))) == body(run_passes(once))


# -- the table ---------------------------------------------------------------


def test_passes_run_in_the_order_asked_for_and_tell():
    """Catches a progress report of another pass than the one that ran."""
    program = verify(parse("%0 = input : s4e0\n%1 = relu %0 : u3e0\noutput %1"))
    seen = []
    run_passes(program, ["expand", "dead"], lambda name, made: seen.append((name, len(made))))
    assert seen == [("expand", 4), ("dead", 4)]


def test_no_pass_returns_the_program():
    """Catches a default that is taken for an empty choice."""
    program = random_program(1)
    assert run_passes(program, []) is program


def test_unknown_passes_are_named_with_the_known_ones():
    """Catches a misspelt pass that is skipped."""
    with pytest.raises(BadOption) as error:
        run_passes(random_program(1), ["fold", "inline"])
    assert str(error.value) == f"there is no pass 'inline': choose from {', '.join(PASSES)}"


def test_an_empty_program_passes():
    """Catches an index into nothing."""
    assert len(run_passes(Builder().build())) == 0
