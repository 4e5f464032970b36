"""alkaid's pipelined circuit, operation by operation, in our own operations.

So our delay model and our register counter can price it as they price ours. What its Verilog
builds has its counterpart here: each addition, negation and added constant a carry chain of its
own, each relu a mask. To its advantage a negation that additions alone read is their sign, and an
addition of three operands, which its Verilog leaves to the tool, is one row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sums_alkaid import digest, random_inputs

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Program
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.ir.program import Field, ProgramPort, Table
from hgq2rtl.ir.rows import Operand, plan_chain

Op = list[Any]
"""Opcode, operands, data, least and largest value, step, latency."""
ADDITIONS = (0, 1, 4, 11)
NEGATION, INPUT, TERNARY = -2, -1, 11


class Pipeline(NamedTuple):
    """A Program with the stage of every value, int64 (n,)."""

    program: Program
    stage: np.ndarray
    stages: int


def rebuild(inputs: int, stages: list[dict[str, Any]]) -> Pipeline:
    """The circuit of all stages; what a stage reads from the one before is that very value.

    `inputs` numbers are read. The Program is the same function, but for signs in those additions
    of three where four bits would meet in one position.
    """
    rebuilding = _Rebuilding(inputs, stages[0]["ops"])
    signals: list[int] = []
    for number, stage in enumerate(stages):
        values = rebuilding.run(stage, signals)
        if number < len(stages) - 1:
            signals = [rebuilding.output(values, stage, n) for n in range(len(stage["outputs"]))]
            rebuilding.end_stage()
    outs = [rebuilding.output(values, stages[-1], n) for n in range(len(stages[-1]["outputs"]))]
    rebuilding.builder.add_output_port("y", (len(outs),), outs)
    rebuilding.end_stage()
    return Pipeline(rebuilding.builder.build(), np.array(rebuilding.stage), len(stages))


def is_same_function(rebuilt: Pipeline, found: dict[str, Any]) -> bool:
    """Whether it gives the outputs that alkaid's own interpreter gave."""
    x = random_inputs(map(tuple, found["shapes"]), None)
    flat = np.concatenate([each.reshape(len(each), -1) for each in x], axis=1)
    return digest(Interpreter(rebuilt.program).predict([flat])) == found["outputs"]


class _Rebuilding:
    def __init__(self, inputs: int, first_ops: list[Op]):
        self.inputs = [op for op in first_ops if op[0] == INPUT]
        fields = tuple(
            Field(op[2][0], format_of(op), "TRN", "WRAP", float_type="float64")
            for op in self.inputs
        )
        self.builder = Builder([ProgramPort("x", (inputs,), fields)])
        self.stage: list[int] = []
        self.stages = 0

    def end_stage(self) -> None:
        self.stage += [self.stages] * (len(self.builder) - len(self.stage))
        self.stages += 1

    def run(self, stage: dict[str, Any], signals: list[int]) -> list[int]:
        """Values of the operations of one stage, from the values of its inputs."""
        ops, values = stage["ops"], list[int]()
        self.tables = stage["tables"]
        self.folded = folded_negations(stage)
        self.values = values
        fields = iter(range(len(self.inputs)))
        for number, op in enumerate(ops):
            if op[0] == INPUT:
                made = signals[op[2][0]] if signals else self.builder.input(0, next(fields))
            elif number in self.folded:
                made = values[op[1][0]]
            elif op[3] == op[4]:
                made = self.constant(op[3])
            else:
                made = RULES[op[0]](self, op)
            values.append(made if number in self.folded else self.fitted(made, op))
        return values

    def output(self, values: list[int], stage: dict[str, Any], n: int) -> int:
        index = stage["outputs"][n]
        if index < 0:
            return self.constant(0.0)
        v = self.negated(values[index]) if stage["negations"][n] else values[index]
        return self.moved(v, stage["shifts"][n])

    # -- numbers -------------------------------------------------------------

    def constant(self, number: float) -> int:
        exponent = step_exponent(number)
        return self.builder.const(int(math.ldexp(number, -exponent)), exponent)

    def fitted(self, v: int, op: Op) -> int:
        """`v` in the format of the operation's result: fewer bits, nothing computed."""
        low = math.frexp(op[5])[1] - 1 - self.builder.exponents[v]
        exponent = self.builder.exponents[v] + max(low, 0)
        interval = mantissas(op, exponent)
        if (low <= 0 and self.builder.intervals[v] == interval) or self.builder.is_constant(v):
            return v
        return self.builder.slice(v, max(low, 0), interval=interval, wraps=True)

    def moved(self, v: int, shift: int) -> int:
        """``v * 2**shift``: the same wires."""
        if not shift:
            return v
        b = self.builder
        if b.is_constant(v):
            return b.const(b.intervals[v][0], b.exponents[v] + shift)
        return b.slice(v, 0, interval=b.intervals[v], exponent=b.exponents[v] + shift)

    def negated(self, v: int) -> int:
        return self.builder.add(self.builder.const(0, self.builder.exponents[v]), v, -1)

    def top_bit(self, v: int) -> int:
        width = self.builder.format(v).width
        return self.builder.slice(v, width - 1, interval=(0, 1), wraps=True)

    # -- operations ----------------------------------------------------------

    def sum_of(self, a: int, b: int, signs: tuple[int, int], shift: int = 0) -> int:
        """``+-a +- b * 2**shift``."""
        distance = self.builder.exponents[b] + shift - self.builder.exponents[a]
        if signs == (-1, 1):
            return self.builder.add(self.moved(b, shift), a, -1, -distance)
        if signs == (-1, -1):
            a = self.negated(a)
        return self.builder.add(a, b, signs[1], distance)

    def sign_of(self, operand: int) -> int:
        return -1 if operand in self.folded else 1

    def addition(self, op: Op) -> int:
        a, b = op[1]
        signs = (self.sign_of(a), self.sign_of(b) * (-1 if op[0] == 1 else 1))
        return self.sum_of(self.values[a], self.values[b], signs, op[2][0])

    def constant_addition(self, op: Op) -> int:
        (a,), (number, fraction) = op[1], op[2]
        if not number:
            v = self.values[a]
            return self.negated(v) if a in self.folded else v
        constant = self.constant(math.ldexp(number, -fraction))
        return self.sum_of(self.values[a], constant, (self.sign_of(a), 1))

    def ternary(self, op: Op) -> int:
        """A row of three unsigned operands, their signs extended to the top."""
        is_added, shifts = op[2][::2], op[2][1::2]
        b = self.builder
        exponents = [b.exponents[self.values[o]] + s for o, s in zip(op[1], shifts, strict=True)]
        least = min(exponents)
        width = Format(*mantissas(op, least), least).width
        operands, terms = [], []
        for n, (o, exponent) in enumerate(zip(op[1], exponents, strict=True)):
            v, shift = self.values[o], exponent - least
            bits = max(width - shift, 1)
            if b.intervals[v][0] < 0 or b.format(v).width > bits:
                v = b.slice(v, 0, interval=(0, 2**bits - 1), wraps=True)
            operands.append(v)
            is_subtracted = bool(is_added[n]) == (o in self.folded)
            terms.append(Operand(n, b.format(v).width, False, shift, is_subtracted))
        if plan_chain(terms, 0, width) is None:  # four bits would meet: leave the signs out
            terms = [term._replace(is_subtracted=False) for term in terms]
        weights = [(-1 if term.is_subtracted else 1) << term.shift for term in terms]
        return b.row(operands, weights, interval=mantissas(op, least), exponent=least, wraps=True)

    def negation(self, op: Op) -> int:
        return self.negated(self.values[op[1][0]])

    def quantizer(self, op: Op) -> int:
        return self.moved(self.values[op[1][0]], (op[2] or [0])[0])

    def relu(self, op: Op) -> int:
        v = self.quantizer(op)
        if self.builder.intervals[v][0] >= 0:
            return v
        return self.builder.mask(self.fitted(v, op), self.top_bit(v), 0)

    def mux(self, op: Op) -> int:
        a, b, condition = (self.values[o] for o in op[1])
        distance = self.builder.exponents[b] + op[2][0] - self.builder.exponents[a]
        return self.builder.mux(self.top_bit(condition), a, b, distance)

    def product(self, op: Op) -> int:
        return self.builder.mul(*(self.values[o] for o in op[1]))

    def lookup(self, op: Op) -> int:
        v = self.values[op[1][0]]
        exponent = math.frexp(op[5])[1] - 1
        contents = np.int64(np.ldexp(self.tables[op[2][0]], -exponent))
        self.builder.tables.append(Table(self.builder.intervals[v][0], contents))
        return self.builder.lookup(v, len(self.builder.tables) - 1, exponent=exponent)


RULES: dict[int, Callable[[_Rebuilding, Op], int]] = {
    NEGATION: _Rebuilding.negation,
    0: _Rebuilding.addition,
    1: _Rebuilding.addition,
    2: _Rebuilding.relu,
    3: _Rebuilding.quantizer,
    4: _Rebuilding.constant_addition,
    6: _Rebuilding.mux,
    7: _Rebuilding.product,
    8: _Rebuilding.lookup,
    TERNARY: _Rebuilding.ternary,
}
"""By opcode. Bitwise operations (9, 10) occur in none of the models."""


def folded_negations(stage: dict[str, Any]) -> set[int]:
    """Negations that only additions of the same stage read."""
    ops = stage["ops"]
    found = {number for number, op in enumerate(ops) if op[0] == NEGATION}
    found -= set(stage["outputs"])
    for op in ops:
        if op[0] not in ADDITIONS:
            found -= set(op[1])
    # A negation of a folded one would lose its sign.
    return found


def format_of(op: Op) -> Format:
    exponent = math.frexp(op[5])[1] - 1
    return Format(*mantissas(op, exponent), exponent)


def mantissas(op: Op, exponent: int) -> tuple[int, int]:
    """The interval of the operation's result in units of ``2**exponent``."""
    return int(math.ldexp(op[3], -exponent)), int(math.ldexp(op[4], -exponent))


def step_exponent(number: float) -> int:
    """Exponent of the lowest set bit."""
    if not number:
        return 0
    numerator, denominator = number.as_integer_ratio()
    return (numerator & -numerator).bit_length() - denominator.bit_length()
