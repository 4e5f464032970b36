"""Which choices are built as pairs: two positions in a LUT with two outputs.

A pair is a cell that synthesis leaves alone, so it is worth making only where the value is needed
as a wire. A value that only feeds LUTs is better left to be absorbed by them, and a mask that
beside them feeds registers may be their synchronous reset.
"""

from __future__ import annotations

from ..ir import Program
from ..ir.operations import bitwise, lookup, mask, mux, output, row, slice_
from ..ir.rows import plan_row
from .copies import Copies
from .rows import absorbed, logic_on_s

MOST_ADDRESS_BITS = 5
"""Of a table that a LUT absorbs beside one more input."""
PAIRED = (mask, mux)


def find_pairs(copies: Copies) -> frozenset[int]:
    """Values of ``mask`` and ``mux`` that some reader needs as a wire."""
    schedule = copies.schedule
    program, rows, stage = schedule.program, schedule.program.rows, copies.stage
    has_free_resets = schedule.most_control_sets is None
    is_needed, is_delayed = [False] * len(program), [False] * len(program)
    pairs = set()
    for v in range(len(program) - 1, -1, -1):
        which, operands = rows.operation[v], rows.operands[v]
        cycles = copies.all(v) or (0,) * (which is output)
        if which in PAIRED and cycles[:1] == (0,):
            is_register_input = is_delayed[v] and not (which is mask and has_free_resets)
            if is_needed[v] or is_register_input:
                pairs.add(v)
        kept = absorbed_operands(program, v) if which is row else set()
        for cycle in copies.driven(v, cycles):
            at = copies.operand_stage(v, cycle)
            for o in operands:
                if at != stage[o]:
                    is_delayed[o] = True
                elif copies.is_wire[v] and which is not output:
                    is_needed[o] |= is_needed[v]
                elif o not in kept:
                    is_needed[o] = True
    return frozenset(pairs)


def absorbed_operands(program: Program, v: int) -> set[int]:
    """Values that the row `v` absorbs, if they are made by LUTs."""
    logic = logic_operands(program, v)
    if not logic:
        return set()
    plan = plan_row(program[v])
    operands = program.operands_of(v)
    return {operands[n] for n in absorbed(logic_on_s(plan, logic))}


def logic_operands(program: Program, v: int) -> set[int]:
    """Which operands of a row are made by LUTs that the row's own could absorb."""
    return {n for n, o in enumerate(program.operands_of(v)) if _is_logic(program, o)}


def _is_logic(program: Program, v: int) -> bool:
    """Whether wires lead from `v` back to logic."""
    while program.rows.operation[v] is slice_:
        v = program.operands_of(v)[0]
    which = program.rows.operation[v]
    if which is lookup:
        return program.format(program.operands_of(v)[0]).width <= MOST_ADDRESS_BITS
    return which in (mask, mux, bitwise)
