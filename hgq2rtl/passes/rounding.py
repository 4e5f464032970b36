"""Move rounding constants into the sums before them, through relu.

``trunc(relu(y) + r) = relu(trunc(y + r))`` for ``0 < r <`` one output step:
where ``y + r`` is negative both are 0, elsewhere relu changes nothing but a
``y`` in ``[-r, 0)``, which truncates to 0 either way. So the adder of a
rounding becomes part of a bias.
"""

from __future__ import annotations

from ..ir import Builder, Program, Value
from ..ir.operations import lincomb, quantize_, relu
from .rewrite import rewrite


def round_inside_sums(program: Program) -> Program:
    """Make ``RND`` quantizers of sums truncate, with the half in the sum."""
    users = program.users()

    def sum_under(v: int) -> tuple[int, bool] | None:
        """The sum that `v` is, or is the relu of, read by nothing else and never wrapped."""
        has_relu = program[v].operation is relu
        inner = program.operands_of(v)[0] if has_relu else v
        if users[v] != 1 or users[inner] != 1 or program[inner].operation is not lincomb:
            return None
        if program[v].is_wrapping or program[inner].is_wrapping:
            return None
        return inner, has_relu

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation is not quantize_:
            return None
        given = value.attributes
        found = sum_under(value.operands[0])
        if found is None or given["rounding"] != "RND" or given["shift"] <= 0:
            return None
        inner, has_relu = program[found[0]], found[1]
        if given["overflow"] == "WRAP_SM":  # chooses its branch from the unrounded value
            return None
        x = _with_constant(builder, inner, new_of[found[0]], 1 << (given["shift"] - 1))
        x = builder.slice(x, given["shift"])
        if has_relu and builder.intervals[x][0] < 0:
            x = builder.relu(x)
        return builder.quantize(
            x,
            0,
            given["k"],
            given["bits"],
            "TRN",
            given["overflow"],
            interval=value.interval if value.is_wrapping else None,
            exponent=value.format.exponent,
            wraps=value.is_wrapping,
        )

    new_of: dict[int, int] = {}

    def remember(builder: Builder, value: Value, operands: list[int]) -> int | None:
        made = rule(builder, value, operands)
        if value.operation is lincomb:
            made = builder.copy(value, operands)
            new_of[value.number] = made
        return made

    return rewrite(program, remember)


def _with_constant(builder: Builder, total: Value, made: int, constant: int) -> int:
    """The sum again, with `constant` added."""
    operands, weights = list(builder.operands[made]), list(total.weights)
    operands.append(builder.const(constant, total.format.exponent))
    weights.append(1)
    builder.at = total.provenance
    return builder.lincomb(
        operands, weights, total.attributes["group"], exponent=total.format.exponent
    )
