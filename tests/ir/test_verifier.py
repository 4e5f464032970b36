"""The verifier: one test per rule, and what it accepts is true of every sample."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from hgq2rtl.errors import BadProgram
from hgq2rtl.fixed import Format, wrap
from hgq2rtl.ir import Builder, Field, Program, ProgramPort, parse, verify
from hgq2rtl.ir.operations import OPERATIONS, const, input_
from hgq2rtl.passes import run_passes

from .random_programs import WIDTHS, random_mantissas, random_program

SOUND = """
    table -8: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
    layer "dense" QDense
    %0 = input : s4e0
    %1 = input : u1e0
    %2 = add %0, %1 : s5e0[-8,8] @0[0]
    %3 = mask %0, %1 : s4e0
    %4 = concat %1, %0 shift=1 : s5e0
    %5 = lookup %0 table=0 : u4e0
    %6 = compare %0, %1 : u1e0
    %7 = quantize %2 k=1 bits=3 : s4e0
    %8 = const : u3e0[5,5]
    %9 = mux %1, %0, %8 : s4e0
    %10 = slice %2 low=1 : s4e0[-4,4]
    output %2
    output %7
"""


def sound() -> Program:
    return verify(parse(SOUND))


def changed(column: str, row: int, value: object) -> Program:
    """A sound Program with one cell of one column changed."""
    program = sound()
    cells = getattr(program, column).copy()
    cells[row] = value
    return replace(program, **{column: cells})


def refusal(program: Program) -> str:
    with pytest.raises(BadProgram) as error:
        verify(program)
    return str(error.value)


def test_a_sound_program_comes_back():
    """Catches a verifier that changes or copies what it looks at."""
    program = parse(SOUND)
    assert verify(program) is program


def test_an_empty_program_is_sound():
    """Catches an index into nothing."""
    verify(Builder().build())


# -- columns -----------------------------------------------------------------


@pytest.mark.parametrize(
    "column", ["attribute", "lo", "hi", "exponent", "wraps", "layer", "element", "block"]
)
def test_columns_are_equally_long(column):
    """Catches rows that slide against each other."""
    program = sound()
    cut = replace(program, **{column: getattr(program, column)[:-1]})
    assert refusal(cut) == f"column {column} has 12 rows for 13 values"


@pytest.mark.parametrize("row", [0, -1])
def test_start_divides_all_operands(row):
    """Catches operands that no value has, or that do not exist."""
    start = sound().start
    program = changed("start", row, start[row] + 1)
    assert refusal(program) == "column start does not divide the operands"


def test_start_only_grows():
    """Catches a value with fewer than no operands."""
    assert refusal(changed("start", 4, 1)) == "columns start, operand and weight disagree"


def test_every_operand_has_a_weight():
    """Catches coefficients that belong to other operands."""
    program = sound()
    cut = replace(program, weight=program.weight[1:])
    assert refusal(cut) == "columns start, operand and weight disagree"


def test_operations_are_known():
    """Catches a Program of a later version."""
    program = changed("operation", 2, len(OPERATIONS))
    assert refusal(program) == "an operation code is unknown: the Program is of another version"


@pytest.mark.parametrize("layer", [1, -2])
def test_layers_are_known(layer):
    """Catches provenance that reports would look up in vain."""
    assert refusal(changed("layer", 2, layer)) == "column layer points outside its table of 1"


def test_big_intervals_agree_with_their_columns():
    """Catches a wire that looks constant or unsigned to those who glance at the columns."""
    program = parse("%0 = input : s80e0\noutput %0")
    lo = program.lo.copy()
    lo[0] = 0
    assert refusal(replace(program, lo=lo)) == "%0: its big interval and its columns disagree"


# -- ports -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        (Field(3, Format(0, 1)), "field 0 of input 'x': there is no element 3"),
        (Field(-1, Format(0, 1)), "field 0 of input 'x': there is no element -1"),
        (
            Field(0, Format(0, 1), "NEAR", "SAT"),
            "field 0 of input 'x': there is no quantizer NEAR, SAT",
        ),
        (
            Field(0, Format(0, 1), "RND", "NONE"),
            "field 0 of input 'x': there is no quantizer RND, NONE",
        ),
        (
            Field(0, Format(0, 1), float_type="float16"),
            "field 0 of input 'x': there is no float type float16",
        ),
        (Field(0, Format(0, 1), scaler=0.0), "field 0 of input 'x': 0.0 is no scaler"),
        (Field(0, Format(0, 1), scaler=float("nan")), "field 0 of input 'x': nan is no scaler"),
    ],
)
def test_fields_stand_in_their_port_and_say_what_is_known(field, problem):
    """Catches an element that the kernel would read outside its array, and unknown words."""
    program = replace(sound(), inputs=(ProgramPort("x", (3,), (field,)),))
    assert refusal(program) == problem


def test_shapes_are_not_negative():
    """Catches two negative lengths whose product looks like a size."""
    port = ProgramPort("y", (-1, -2), sound().outputs[0].fields)
    assert refusal(replace(sound(), outputs=(port,))) == "output 'y': (-1, -2) is no shape"


# -- operands and attributes -------------------------------------------------


def test_the_number_of_operands_is_the_operations():
    """Catches a neighbour's operand taken for one's own."""
    program = changed("start", 3, 3)
    assert refusal(program) == "%2 = add: has 3 operands instead of 2"


@pytest.mark.parametrize("operand", [2, 5, -1])
def test_operands_are_computed_before(operand):
    """Catches a loop, and a value that does not exist."""
    program = changed("operand", 0, operand)
    assert refusal(program) == f"%2 = add: uses %{operand}, which is not computed before it"


def test_outputs_are_no_operands():
    """Catches a read of what is no value."""
    program = parse("%0 = input : s4e0\noutput %0\n%2 = slice %0 : s4e0\noutput %2")
    operand = program.operand.copy()
    operand[1] = 1
    assert refusal(replace(program, operand=operand)) == "%2 = slice: uses %1, an output"


@pytest.mark.parametrize(
    ("row", "place", "value", "problem"),
    [
        (2, 0, 2, "%2 = add: sign must be 1 or -1"),
        (2, 0, 0, "%2 = add: sign must be 1 or -1"),
        (2, 1, 9000, "%2 = add: shift=9000 is beyond 8192 bits"),
        (10, 0, -9000, "%10 = slice: low=-9000 is beyond 8192 bits"),
        (7, 2, 9000, "%7 = quantize: bits=9000 is beyond 8192 bits"),
        (7, 1, 2, "%7 = quantize: k must be 0 or 1"),
        (7, 3, 7, "%7 = quantize: attribute rounding is no known word"),
        (7, 4, -1, "%7 = quantize: attribute overflow is no known word"),
        (6, 0, 4, "%6 = compare: attribute relation is no known word"),
        (4, 0, -1, "%4 = concat: shift must not be negative"),
        (3, 0, 2, "%3 = mask: when must be 0 or 1"),
        (5, 0, 1, "%5 = lookup: there is no such table"),
        (5, 0, -1, "%5 = lookup: there is no such table"),
        (0, 0, 1, "%0 = input: there is no such input field"),
        (0, 1, 2, "%0 = input: there is no such input field"),
        (11, 1, 2, "%11 = output: there is no such output field"),
        (11, 0, -1, "%11 = output: there is no such output field"),
    ],
)
def test_attributes_are_known(row, place, value, problem):
    """Catches an attribute without meaning, or a shift that asks for gigabytes."""
    cells = sound().attribute[row].copy()
    cells[place] = value
    assert refusal(changed("attribute", row, cells)) == problem


# -- formats -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "%1 = add %0, %0 : s5e0[-16,13]",
            "%1 = add: the result reaches [-16, 14] and the format is s5e0[-16,13]: "
            "widen it or mark it wrap",
        ),
        (
            "%1 = relu %0 : u2e0",
            "%1 = relu: the result reaches [0, 7] and the format is u2e0: widen it or mark it wrap",
        ),
        ("%1 = relu %0 wrap : u3e0[0,5]", "%1 = relu: a wrapping value needs a full range"),
        (
            f"%1 = slice %0 low=-8190 : s{2**13 + 2}e0",
            "%1 = slice: is 8194 bits wide: at most 8192 are sensible",
        ),
        (
            "%1 = slice %0 low=-8190 : s4e0",
            "%1 = slice: the result reaches 8194 bits and the format is s4e0: "
            "widen it or mark it wrap",
        ),
        ("%1 = mask %0, %0 : s4e0", "%1 = mask: the choosing operand is not one bit"),
        ("%1 = mux %0, %0, %0 : s4e0", "%1 = mux: the choosing operand is not one bit"),
        (
            "%1 = concat %0, %0 shift=4 : s8e0",
            "%1 = concat: the low operand does not fit below the shift",
        ),
        (
            "%1 = relu %0 : u3e0\n%2 = concat %1, %0 shift=2 : s7e0",
            "%2 = concat: the low operand does not fit below the shift",
        ),
        (
            "table -8: 1 2 3\n%1 = lookup %0 table=0 : u2e0",
            "%1 = lookup: the operand leaves the table",
        ),
        (
            "table -7: " + "1 " * 14 + "1\n%1 = lookup %0 table=0 : u1e0",
            "%1 = lookup: the operand leaves the table",
        ),
    ],
)
def test_formats_hold_every_result(text, problem):
    """Catches an unmarked cut: a netlist that drops bits in silence."""
    assert refusal(parse(f"%0 = input : s4e0\n{text}")) == problem


def test_intervals_are_not_empty():
    """Catches a format without any number."""
    assert refusal(changed("lo", 2, 9)) == "%2 = add: the interval [9, 8] is empty"


def test_constants_are_one_number():
    """Catches a constant that nothing decides."""
    assert refusal(changed("hi", 8, 6)) == "%8 = const: a constant needs an interval of one number"


def test_inputs_have_their_fields_format():
    """Catches a wire that is narrower than the port."""
    assert refusal(changed("hi", 0, 6)) == "%0 = input: the port's field is s4e0"


# -- outputs -----------------------------------------------------------------


def test_outputs_fit_their_field():
    """Catches a port that cuts its value."""
    program = sound()
    narrow = ProgramPort("y", (2,), (Field(0, Format(-8, 7)), program.outputs[0].fields[1]))
    assert refusal(replace(program, outputs=(narrow,))) == (
        "output %11: s5e0[-8,8] does not fit the port's s4e0"
    )


def test_a_field_is_driven_once():
    """Catches two values on one wire."""
    program = changed("attribute", 12, [0, 0, 0, 0, 0])
    fields = (Field(0, Format(-16, 15)), Field(1, Format(-16, 15)))
    program = replace(program, outputs=(ProgramPort("y", (2,), fields),))
    assert refusal(program) == "output %12: field 0 of port 0 is driven twice"


def test_every_field_is_driven():
    """Catches an output port with an open wire."""
    program = sound()
    fields = (*program.outputs[0].fields, Field(1, Format(0, 1)))
    program = replace(program, outputs=(ProgramPort("y", (2,), fields),))
    assert refusal(program) == "field 2 of output 'y' is not driven"


# -- further proofs ----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        # 4x - x and x + y - x: the whole linear form
        "%2 = add %0, %0 sign=-1 shift=-2 : s6e0[-24,21]",
        "%2 = add %0, %1 : s6e0[-8,22]\n%3 = add %2, %0 sign=-1 : u4e0",
        # the sign of x decides: relu, also by a copy of the sign above it, and abs
        "%2 = slice %0 low=3 wrap : u1e0\n%3 = mask %0, %2 when=0 : u3e0",
        "%2 = slice %0 low=9 wrap : u1e0\n%3 = mask %0, %2 when=0 : u3e0",
        "%2 = slice %0 low=3 wrap : u1e0\n%3 = const : u0e0\n"
        "%4 = add %3, %0 sign=-1 : s5e0[-7,8]\n%5 = mux %2, %4, %0 : u4e0[0,8]",
        # a comparison of what is chosen: maximum, minimum, clip
        "%2 = compare %0, %1 : u1e0\n%3 = mux %2, %1, %0 : u4e0",
        "%2 = compare %0, %1 shift=1 : u1e0\n%3 = mux %2, %0, %1 shift=1 : s4e0",
        "%2 = compare %0, %1 shift=-1 : u1e0\n%3 = mux %2, %1, %0 shift=1 : u4e0",
        "%2 = const : u2e0[2,2]\n%3 = const : s3e0[-4,-4]\n"
        "%4 = compare %0, %2 : u1e0\n%5 = mux %4, %0, %2 : s4e0[-8,2]\n"
        "%6 = compare %0, %3 : u1e0\n%7 = mux %6, %3, %5 : s3e0[-4,2]",
    ],
)
def test_what_the_form_or_a_choice_proves_is_accepted(text):
    """Catches a proof that gets lost: passes claim these ranges, and sums grow without them."""
    verify(parse(f"%0 = input : s4e0\n%1 = input : u4e0\n{text}"))


@pytest.mark.parametrize(
    "text",
    [
        # a bit below the sign, the wrong branch, another number's sign
        "%2 = slice %0 low=2 wrap : u1e0\n%3 = mask %0, %2 when=0 : u3e0",
        "%2 = slice %0 low=3 wrap : u1e0\n%3 = mask %0, %2 when=1 : u3e0",
        "%2 = slice %1 low=3 wrap : u1e0\n%3 = mask %0, %2 when=0 : u3e0",
        # a minimum is no maximum, nor is another comparison or scale
        "%2 = compare %0, %1 : u1e0\n%3 = mux %2, %0, %1 : u4e0",
        "%2 = compare %0, %1 relation=ne : u1e0\n%3 = mux %2, %1, %0 : u4e0",
        "%2 = compare %0, %1 shift=1 : u1e0\n%3 = mux %2, %1, %0 : u4e0",
        # the upper choice is a maximum: the clip still gives -5
        "%2 = const : u2e0[2,2]\n%3 = const : s4e0[-5,-5]\n"
        "%4 = compare %0, %2 : u1e0\n%5 = mux %4, %2, %0 : u3e0[2,7]\n"
        "%6 = compare %0, %3 : u1e0\n%7 = mux %6, %3, %5 : u3e0[2,7]",
        # low above high
        "%2 = const : s2e0[-2,-2]\n%3 = const : u2e0[3,3]\n"
        "%4 = compare %0, %2 : u1e0\n%5 = mux %4, %0, %2 : s4e0[-8,-2]\n"
        "%6 = compare %0, %3 : u1e0\n%7 = mux %6, %3, %5 : u3e0[3,7]",
        # a negation that wraps, an inner sum that wraps
        "%2 = slice %0 low=3 wrap : u1e0\n%3 = const : u0e0\n"
        "%4 = add %3, %0 sign=-1 wrap : s4e0\n%5 = mux %2, %4, %0 : u4e0[0,8]",
        "%2 = add %0, %1 wrap : s4e0\n%3 = add %2, %0 sign=-1 : u4e0",
    ],
)
def test_what_only_looks_like_a_proof_is_refused(text):
    """Catches a guard that is taken on trust: the wire would be too narrow."""
    assert "widen it or mark it wrap" in refusal(
        parse(f"%0 = input : s4e0\n%1 = input : u4e0\n{text}")
    )


# -- soundness ---------------------------------------------------------------


def every_value(program: Program, sample: list[list[int]]) -> list[int]:
    """All values for one sample, straight from the meanings."""
    values: list[int] = []
    for value in program:
        if value.operation is input_:
            given = value.attributes
            made = sample[given["port"]][given["field"]]
        elif value.operation is const:
            made = value.interval[0]
        else:
            made = int(value.meaning(*(values[o] for o in value.operands)))
        if value.is_wrapping:
            made = wrap(made, value.interval[0], value.format.width)
        values.append(made)
    return values


def samples_of(program: Program, count: int, seed: int) -> list[list[list[int]]]:
    ports = [m.tolist() for m in random_mantissas(program, count, seed)]
    return [[port[n] for port in ports] for n in range(count)]


@pytest.mark.parametrize("widest", [4, 9, 33, *WIDTHS[-3:]])
def test_no_value_leaves_its_interval(widest):
    """Catches a rule of the verifier that holds too little: all others build on it."""
    for seed in range(12):
        program = random_program(seed, size=30, widest=widest)
        for sample in samples_of(program, 6, seed):
            for value, m in zip(program, every_value(program, sample), strict=True):
                assert m in value.format, (seed, str(program), value.number)


@pytest.mark.parametrize("seed", range(30))
def test_a_claim_that_some_sample_refutes_is_refused(seed):
    """Narrows claims at random until one is false: catches a proof that is none.

    The programs have been through the passes, which claim what they can.
    """
    rng = random.Random(seed)
    program = random_program(seed, size=20, widest=6)
    if seed % 2:
        program = run_passes(program)
    rows = [every_value(program, sample) for sample in samples_of(program, 40, seed)]
    reached = list(zip(*rows, strict=True))
    for v, value in enumerate(program):
        lo, hi = value.interval
        if value.is_wrapping or lo == hi or value.operation in (input_, const):
            continue
        least, most = min(reached[v]), max(reached[v])
        claims = [
            (least + 1, hi),
            (lo, most - 1),
            (rng.randint(lo, hi), hi),
            (lo, rng.randint(lo, hi)),
        ]
        for a, b in claims:
            if a > b or (a <= least and most <= b):
                continue
            narrow_lo, narrow_hi = program.lo.copy(), program.hi.copy()
            narrow_lo[v], narrow_hi[v] = a, b
            with pytest.raises(BadProgram):
                verify(replace(program, lo=narrow_lo, hi=narrow_hi))


# -- rows ----------------------------------------------------------------------


def row_of(weights: str, format: str = "s12e0") -> str:
    inputs = "\n".join(f"%{n} = input : u4e0" for n in range(4))
    return f"{inputs}\n%9 = const : u2e0[2,2]\n%10 = row {weights} : {format}\noutput %10"


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        (
            "1*%0 1*%1 1*%2 1*%3",
            "a row takes at most three operands that are no constants",
        ),
        ("3*%0", "the weights of a row are powers of two, perhaps negative"),
        ("0*%0", "the weights of a row are powers of two, perhaps negative"),
        (
            "1*%0 1*%1 1*%2 1*%9",
            "four bits meet in one position of the row: add its constant in another row",
        ),
    ],
)
def test_what_no_carry_chain_adds_is_no_row(weights, problem):
    with pytest.raises(BadProgram) as error:
        verify(parse(row_of(weights)))
    assert str(error.value) == f"%5 = row: {problem}"


def test_a_row_holds_what_it_reaches():
    """Catches a row whose complement was booked as a number from 0."""
    verify(parse(row_of("1*%0 -4*%1 16*%9", "s7e0[-28,47]")))
    with pytest.raises(BadProgram) as error:
        verify(parse(row_of("1*%0 -4*%1 16*%9", "u6e0")))
    assert str(error.value) == (
        "%5 = row: the result reaches [-28, 47] and the format is u6e0: widen it or mark it wrap"
    )


def test_rows_of_rows_are_one_form():
    """``4x - x`` is ``3x``: its range is that of the whole form, through offsets too."""
    verify(
        parse("""
        %0 = input : u4e0
        %1 = const : u4e0[15,15]
        %2 = row 4*%0 -1*%0 1*%1 : u6e0[15,60]
        %3 = row 1*%2 -1*%1 : u6e0[0,45]
        output %3
        """)
    )
