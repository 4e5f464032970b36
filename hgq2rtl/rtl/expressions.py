"""One Amaranth expression per operation. Widths and signs are exact; assignment cuts.

Where a cell of primitives serves better, it drives the value's wire itself.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib.memory import Memory

from ..ir import Value as IrValue
from ..ir import one_per_operation
from ..ir.operations import (
    add,
    bitwise,
    compare,
    concat,
    const,
    input_,
    lookup,
    mask,
    mul,
    mux,
    output,
    row,
    slice_,
)
from ..ir.rows import plan_row
from .pairs import logic_operands
from .resets import reset_register
from .rows import logic_on_s, row_as_cell, row_of_operators
from .scope import Scope

expression_of = one_per_operation("expression_of", without_macros=True)
"""``expression_of[operation](scope, value, *operands, **attributes)``: an Amaranth value; None
where the value's wire, ``scope.target``, is driven already."""


def _up(x: Value, shift: int) -> Value:
    """``x << shift`` that keeps the sign of `x`."""
    return x.shift_left(shift) if shift > 0 else x


def _aligned(a: Value, b: Value, shift: int) -> tuple[Value, Value]:
    return _up(a, -shift), _up(b, shift)


def _fit(x: Value, width: int) -> Value:
    """`x` in exactly `width` bits, as an assignment would cut or extend it."""
    missing = width - len(x)
    if missing <= 0:
        return x[:width]
    return Cat(x, x[-1].replicate(missing) if x.shape().signed else Const(0, missing))


@expression_of(input_, const, output)
def _(*_: Any, **__: Any) -> Value:
    raise TypeError("ports and constants are wired by the core itself")


@expression_of(add)
def _(scope: Scope, value: IrValue, a: Value, b: Value, sign: int, shift: int) -> Value:
    a, b = _aligned(a, b, shift)
    is_negation = isinstance(a, Const) and a.value == 0
    if sign > 0:
        return b if is_negation else a + b
    return -b if is_negation else a - b


@expression_of(row)
def _(scope: Scope, value: IrValue, *operands: Value) -> Value | None:
    plan = plan_row(value)
    if not scope.options.has_primitives:
        return row_of_operators(scope, plan, operands)
    row_as_cell(scope, logic_on_s(plan, logic_operands(value.program, value.number)), operands)
    return None


@expression_of(mul)
def _(scope: Scope, value: IrValue, a: Value, b: Value) -> Value:
    return a * b


@expression_of(slice_)
def _(scope: Scope, value: IrValue, a: Value, low: int) -> Value:
    return a.shift_right(low) if low > 0 else _up(a, -low)


@expression_of(concat)
def _(scope: Scope, value: IrValue, a: Value, b: Value, shift: int) -> Value:
    joined = Cat(a, Const(0, shift - len(a)), b) if shift > len(a) else Cat(a[:shift], b)
    return joined.as_signed() if b.shape().signed else joined


@expression_of(mask)
def _(scope: Scope, value: IrValue, a: Value, bit: Value, when: int) -> Value | None:
    if scope.is_clocked:
        name, d = f"reset_{scope.target.name}", _fit(a, len(scope.target))
        register = reset_register(scope.target, d, bit, when, scope.enable)
        scope.module.submodules[name] = register
        return None
    if value.number in scope.cells.pairs:
        width = len(scope.target)
        scope.instance("mask", p_WIDTH=width, p_WHEN=Const(when, 1), i_a=_fit(a, width), i_bit_=bit)
        return None
    return Mux(bit, a, 0) if when else Mux(bit, 0, a)


@expression_of(mux)
def _(scope: Scope, value: IrValue, bit: Value, a: Value, b: Value, shift: int) -> Value | None:
    is_constant = isinstance(a, Const) or isinstance(b, Const)
    a, b = _aligned(a, b, shift)
    if value.number in scope.cells.pairs and not is_constant:
        width = len(scope.target)
        scope.instance("choose", p_WIDTH=width, i_a=_fit(a, width), i_b=_fit(b, width), i_bit_=bit)
        return None
    return Mux(bit, a, b)


@expression_of(compare)
def _(scope: Scope, value: IrValue, a: Value, b: Value, relation: str, shift: int) -> Value:
    a, b = _aligned(a, b, shift)
    match relation:
        case "lt":
            return a < b
        case "le":
            return a <= b
        case "eq":
            return a == b
    return a != b


@expression_of(bitwise)
def _(scope: Scope, value: IrValue, a: Value, b: Value, function: str) -> Value:
    match function:
        case "and":
            return a & b
        case "or":
            return a | b
    return a ^ b


@expression_of(lookup)
def _(scope: Scope, value: IrValue, a: Value, table: int) -> Value:
    """A memory over the operand's raw bits: no subtraction of the table's base.

    A memory builds four times faster under Verilator than a case statement. One that is read at
    the clock may be block RAM.
    """
    memory = Memory(
        shape=value.format.width,
        depth=1 << len(a),
        init=_contents_by_bits(value, len(a)),
        attrs=scope.options.table_attributes(len(a), scope.is_clocked),
    )
    scope.module.submodules[f"table_{value.number}"] = memory
    port = memory.read_port(domain="sync" if scope.is_clocked else "comb")
    scope.statements.append(port.addr.eq(a))
    return port.data.as_signed() if value.format.is_signed else port.data


def _contents_by_bits(value: IrValue, address_bits: int) -> list[int]:
    table = value.program.tables[value.attributes["table"]]
    is_signed = value.program.format(value.operands[0]).is_signed
    words = []
    for raw in range(1 << address_bits):
        number = raw - (1 << address_bits) if is_signed and raw >> (address_bits - 1) else raw
        inside = 0 <= number - table.base < len(table.contents)
        word = int(table.contents[number - table.base]) if inside else 0
        words.append(word & ((1 << value.format.width) - 1))
    return words


expression_of.close()
