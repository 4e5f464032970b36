"""What every Program must satisfy, checked after each pass.

SSA order, known operations and attributes, ports that agree with their
values, and sound formats: where a value does not say ``wraps``, its interval
must hold every exact result. Operand intervals decide that for most values;
where a chain of additions claims less (``4x - x`` is ``3x`` wide), the
interval of its whole linear form decides, and for a choice between values
that are compared (a relu, a maximum) what the comparison says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..errors import BadProgram
from ..fixed import FLOAT_TYPES, OVERFLOWS, ROUNDINGS, bit_width
from .guards import guarded_interval
from .linear_forms import LinearForms
from .operations import (
    OPERATIONS,
    Operation,
    add,
    concat,
    const,
    input_,
    lookup,
    mask,
    mux,
    output,
    quantize_,
    row,
)
from .plain import plainly_sound
from .program import Field, Program, ProgramPort, Value, nearest_int64
from .ranges import Interval, range_of
from .rows import plan_row

WIDEST = 1 << 13
"""Bits beyond which a shift or width is an accident, not a circuit."""


def verify(program: Program) -> Program:
    """Return `program` unchanged if it is sound.

    Raises
    ------
    BadProgram
        Naming the value and the rule it breaks.
    """
    _verify_columns(program)
    _verify_ports(program)
    forms = LinearForms(program)
    for v in np.flatnonzero(~plainly_sound(program)).tolist():
        problem = _problem(program, program[v], forms)
        if problem:
            raise BadProgram(f"%{v} = {program[v].operation.name}: {problem}")
    _verify_outputs(program)
    return program


def _verify_columns(program: Program) -> None:
    n = len(program)
    lengths = {
        name: len(getattr(program, name))
        for name in ("attribute", "lo", "hi", "exponent", "wraps", "layer", "element", "block")
    }
    for name, length in lengths.items():
        if length != n:
            raise BadProgram(f"column {name} has {length} rows for {n} values")
    start = program.start
    if len(start) != n + 1 or start[0] != 0 or start[-1] != len(program.operand):
        raise BadProgram("column start does not divide the operands")
    if np.any(np.diff(program.start) < 0) or len(program.weight) != len(program.operand):
        raise BadProgram("columns start, operand and weight disagree")
    if np.any(program.operation >= len(OPERATIONS)):
        raise BadProgram("an operation code is unknown: the Program is of another version")
    layers = len(program.layers)
    if np.any(program.layer < -1) or np.any(program.layer >= layers):
        raise BadProgram(f"column layer points outside its table of {layers}")
    for v, interval in program.big.items():
        if (program.lo[v], program.hi[v]) != nearest_int64(*interval):
            raise BadProgram(f"%{v}: its big interval and its columns disagree")


def _verify_ports(program: Program) -> None:
    for word, ports in (("input", program.inputs), ("output", program.outputs)):
        for port in ports:
            size = math.prod(port.shape)
            if any(length < 0 for length in port.shape):
                raise BadProgram(f"{word} {port.name!r}: {port.shape} is no shape")
            for n, field in enumerate(port.fields):
                problem = _problem_of_field(field, size)
                if problem:
                    raise BadProgram(f"field {n} of {word} {port.name!r}: {problem}")


def _problem_of_field(field: Field, size: int) -> str | None:
    if not 0 <= field.element < size:
        return f"there is no element {field.element}"
    if field.rounding not in (*ROUNDINGS, "EXACT") or field.overflow not in (*OVERFLOWS, "EXACT"):
        return f"there is no quantizer {field.rounding:.40}, {field.overflow:.40}"
    if not math.isfinite(field.scaler) or field.scaler == 0:
        return f"{field.scaler} is no scaler"
    if field.float_type not in FLOAT_TYPES:
        return f"there is no float type {field.float_type:.40}"
    return None


def _problem(program: Program, value: Value, forms: LinearForms) -> str | None:
    return (
        _problem_of_operands(value)
        or _problem_of_attributes(program, value)
        or _problem_of_format(program, value, forms)
    )


def _problem_of_operands(value: Value) -> str | None:
    wanted, operands = value.operation.operands, value.operands
    if wanted is not None and len(operands) != wanted:
        return f"has {len(operands)} operands instead of {wanted}"
    for operand in operands:
        if not 0 <= operand < value.number:
            return f"uses %{operand}, which is not computed before it"
        if value.program.operation[operand] == output.code:
            return f"uses %{operand}, an output"
    return None


def _problem_of_attributes(program: Program, value: Value) -> str | None:
    stored = program.attribute[value.number]
    for n, attribute in enumerate(value.operation.attributes):
        if attribute.words and not 0 <= stored[n] < len(attribute.words):
            return f"attribute {attribute.name} is no known word"
    given = value.attributes
    for name in ("shift", "low", "bits"):
        if abs(given.get(name, 0)) > WIDEST:
            return f"{name}={given[name]} is beyond {WIDEST} bits"
    checks: dict[Operation, Callable[[], bool | str]] = {
        add: lambda: given["sign"] in (1, -1) or "sign must be 1 or -1",
        concat: lambda: given["shift"] >= 0 or "shift must not be negative",
        mask: lambda: given["when"] in (0, 1) or "when must be 0 or 1",
        quantize_: lambda: given["k"] in (0, 1) or "k must be 0 or 1",
        lookup: lambda: 0 <= given["table"] < len(program.tables) or "there is no such table",
        input_: lambda: _has_field(program.inputs, given) or "there is no such input field",
        output: lambda: _has_field(program.outputs, given) or "there is no such output field",
        row: lambda: _problem_of_row(program, value) or True,
    }
    verdict = checks.get(value.operation, lambda: True)()
    return verdict if isinstance(verdict, str) else None


def _problem_of_row(program: Program, value: Value) -> str | None:
    variables = [o for o in value.operands if not program.is_constant(o)]
    if len(variables) > 3:
        return "a row takes at most three operands that are no constants"
    if any(abs(w).bit_count() != 1 or abs(w) >> WIDEST for w in value.weights):
        return "the weights of a row are powers of two, perhaps negative"
    if len(variables) > 2 and value.format.width <= WIDEST:
        try:
            plan_row(value)
        except ValueError as problem:
            return f"{problem}: add its constant in another row"
    return None


def _has_field(ports: tuple[ProgramPort, ...], given: dict[str, int]) -> bool:
    port, field = given["port"], given["field"]
    return 0 <= port < len(ports) and 0 <= field < len(ports[port].fields)


def _problem_of_format(program: Program, value: Value, forms: LinearForms) -> str | None:
    lo, hi = value.interval
    if lo > hi:
        return f"the interval [{lo}, {hi}] is empty"
    if value.format.width > WIDEST:
        return f"is {value.format.width} bits wide: at most {WIDEST} are sensible"
    intervals = [program.interval(o) for o in value.operands]
    if value.operation in (mask, mux):
        bit = intervals[1 if value.operation is mask else 0]
        if bit[0] < 0 or bit[1] > 1:
            return "the choosing operand is not one bit"
    if value.operation is concat:
        below = intervals[0]
        if below[0] < 0 or below[1] >> value.attributes["shift"]:
            return "the low operand does not fit below the shift"
    if value.operation is lookup:
        table = program.tables[value.attributes["table"]]
        if intervals[0][0] < table.base or intervals[0][1] >= table.base + len(table.contents):
            return "the operand leaves the table"
    if value.operation is const:
        return None if lo == hi else "a constant needs an interval of one number"
    if value.operation is input_:
        given = value.attributes
        field = program.inputs[given["port"]].fields[given["field"]]
        return None if field.format == value.format else f"the port's field is {field.format}"
    if value.is_wrapping:
        full = value.format.container
        return None if (full.lo, full.hi) == (lo, hi) else "a wrapping value needs a full range"
    exact = _exact_interval(program, value, intervals)
    if lo <= exact[0] and exact[1] <= hi:
        return None
    for more in _further_proofs(program, value, forms):
        exact = max(exact[0], more[0]), min(exact[1], more[1])
        if lo <= exact[0] and exact[1] <= hi:
            return None
    return (
        f"the result reaches {_shown(exact)} and the format is {value.format}: "
        "widen it or mark it wrap"
    )


def _shown(interval: Interval) -> str:
    """An interval as people can read it, and as Python can print it."""
    width = bit_width(*interval)
    return f"[{interval[0]}, {interval[1]}]" if width <= WIDEST else f"{width} bits"


def _further_proofs(program: Program, value: Value, forms: LinearForms) -> Iterator[Interval]:
    """Intervals that hold the result for other reasons than its operands' intervals."""
    guarded = guarded_interval(program, value.number)
    if guarded is not None:
        yield guarded
    yield from forms.intervals(value.number)


def _exact_interval(program: Program, value: Value, intervals: list[Interval]) -> Interval:
    named = value.attributes
    if value.operation.has_weights:
        named = {"weights": value.weights}
    elif value.operation is lookup:
        named = {"table": program.tables[named["table"]]}
    return range_of[value.operation](*intervals, **named)


def _verify_outputs(program: Program) -> None:
    seen = set()
    for v in program.values_of(output).tolist():
        value = program[v]
        key = (value.attributes["port"], value.attributes["field"])
        field = program.outputs[key[0]].fields[key[1]]
        lo, hi = value.interval
        if not (field.format.lo <= lo and hi <= field.format.hi):
            raise BadProgram(f"output %{v}: {value.format} does not fit the port's {field.format}")
        if key in seen:
            raise BadProgram(f"output %{v}: field {key[1]} of port {key[0]} is driven twice")
        seen.add(key)
    wanted = {(p, f) for p, port in enumerate(program.outputs) for f in range(len(port.fields))}
    if wanted - seen:
        port, field = min(wanted - seen)
        raise BadProgram(f"field {field} of output {program.outputs[port].name!r} is not driven")


def values_with_macros(program: Program) -> Iterator[int]:
    """Values whose operation a pass must still expand."""
    macros = np.array([o.is_macro for o in OPERATIONS])
    return iter(np.flatnonzero(macros[program.operation]).tolist())
