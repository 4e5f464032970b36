"""How passes are tested: text before and after, and equal numbers on both sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hgq2rtl.ir import Program, parse, to_text, verify
from hgq2rtl.ir.interpreter import Interpreter

from ..ir.random_programs import random_mantissas

Pass = Callable[[Program], Program]
SAMPLES = 40
"""Corners of all inputs first, then random ones."""


def assert_rewrites(pass_: Pass, before: str, after: str) -> None:
    """`pass_` makes `after` of `before`; both are sound and compute the same."""
    program, wanted = verify(parse(before)), verify(parse(after))
    made = verify(pass_(program))
    assert body(made) == body(wanted)
    assert_same_outputs(program, made)
    assert_same_outputs(program, wanted)


def assert_keeps(pass_: Pass, text: str) -> None:
    """`pass_` finds nothing to do."""
    assert_rewrites(pass_, text, text)


def body(program: Program) -> str:
    """The text form without its ports: short texts leave them out."""
    lines = to_text(program).splitlines()
    return "\n".join(line for line in lines if not line.startswith("port "))


def assert_same_outputs(a: Program, b: Program, samples: int = SAMPLES, seed: int = 0) -> None:
    """Both take the same inputs and give the same integers, on corners and random inputs."""
    mantissas = random_mantissas(a, samples, seed)
    wanted = Interpreter(a, exact=True).run(mantissas)
    got = Interpreter(b, exact=True).run(mantissas)
    for port, x, y in zip(a.outputs, wanted, got, strict=True):
        different = np.flatnonzero((x != y).any(axis=1))
        assert not different.size, (
            f"{port.name}: {x[different[0]]} became {y[different[0]]} for "
            f"{[m[different[0]].tolist() for m in mantissas]}\n{a}\n{b}"
        )
