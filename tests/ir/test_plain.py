"""The quick proof accepts nothing that the rules refuse."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from hgq2rtl.errors import BadProgram
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, Program, ProgramPort, parse
from hgq2rtl.ir.operations import OPERATIONS, add, const, mask, slice_
from hgq2rtl.ir.plain import plainly_sound
from hgq2rtl.ir.verifier import _problem, _verify_columns
from hgq2rtl.passes import run_passes

from .random_programs import WIDTHS, random_program


def mutated(rng: random.Random, program: Program) -> Program:
    """One to three cells changed, mostly to something near."""
    columns = {
        name: getattr(program, name).copy()
        for name in ("lo", "hi", "wraps", "operation", "operand", "attribute", "start")
    }
    for _ in range(rng.randint(1, 3)):
        v = rng.randrange(len(program))
        kind = rng.randrange(8)
        step = rng.choice((-1, 1, 1 << rng.randint(0, 61), -1 << rng.randint(0, 61)))
        match kind:
            case 0 | 1 | 2:
                name = rng.choice(("lo", "hi"))
                columns[name][v] = np.clip(int(columns[name][v]) + step, -(2**63), 2**63 - 1)
            case 3:
                columns["wraps"][v] = not columns["wraps"][v]
            case 4:
                columns["operation"][v] = rng.randrange(len(OPERATIONS))
            case 5 if len(columns["operand"]):
                at = rng.randrange(len(columns["operand"]))
                columns["operand"][at] = rng.randint(-1, len(program))
            case 6:
                place = rng.randrange(2)
                columns["attribute"][v, place] = rng.choice((0, 1, -1, 2, 19, 21, -21, 64, 2**40))
            case 7:
                at = rng.randint(1, len(program) - 1)
                columns["start"][at] += rng.choice((-1, 1))
    return replace(program, **columns)


@pytest.mark.parametrize("widest", WIDTHS)
def test_it_accepts_nothing_that_the_rules_refuse(widest):
    """Catches an overflow or a forgotten rule in the array form: nobody would look again."""
    rng = random.Random(widest)
    for seed in range(6):
        program = random_program(seed, size=30, widest=widest, with_macros=False)
        for _ in range(40):
            broken = mutated(rng, program)
            try:
                _verify_columns(broken)
            except BadProgram:
                continue
            for v in np.flatnonzero(plainly_sound(broken)).tolist():
                assert _problem(broken, broken[v], {}) is None, (seed, str(broken[v]))


def test_it_proves_most_of_a_compiled_program():
    """It is there for speed alone: catches one that proves nothing any more."""
    program = run_passes(random_program(1, size=200))
    which = np.isin(program.operation, [o.code for o in (add, slice_, mask, const)])
    assert plainly_sound(program)[which].mean() > 0.6


def test_an_operand_beyond_int64_is_left_to_the_rules():
    """Its columns hold less than its interval: catches a mask that is believed to fit 64 bits."""
    program = parse("""
        %0 = input : s80e0
        %1 = input : u1e0
        %2 = mask %0, %1 : s64e0
        %3 = slice %0 : s64e0
        %4 = add %0, %1 : s64e0
    """)
    assert not plainly_sound(program)[2:].any()


def test_an_empty_program_has_nothing_to_prove():
    """Catches an index into nothing."""
    assert plainly_sound(Builder().build()).tolist() == []
    port = ProgramPort("x", (1,), (Field(0, Format(0, 1)),))
    builder = Builder([port])
    builder.input(0, 0)
    assert plainly_sound(builder.build()).tolist() == [False]
