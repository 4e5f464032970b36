"""The text form: read in seconds, read back unchanged, refused by line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from

from hgq2rtl.errors import BadProgram
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, parse, to_text, verify

from .random_programs import WIDTHS, random_program

SEEDED = settings(derandomize=True, deadline=None, max_examples=60)

EXAMPLE = """\
port input "x" (2,2) = 0:s8e-3:RND:WRAP:1.0 3:u4e0:TRN:SAT:0.5 3:s3e-1:RND_CONV:WRAP_SM:2.0:0
port output "y" () = 0:s12e-3[-1152,1143]:EXACT:EXACT:1.0
port output "bits" (3) = 0:u1e0:EXACT:EXACT:1.0 2:u0e4:EXACT:EXACT:1.0
layer "dense \\"1\\"; %0" QDense
layer "\\u00fc/\\u4e2d" ReLU
table -2: 5 -7 0 12
%0 = input field=0 : s8e-3 @0[0]
%1 = input field=1 : u4e0 @0[3]
%2 = add %0, %0 shift=3 : s12e-3[-1152,1143] @0[5]
%3 = add %0, %1 sign=-1 shift=-2 wrap : u4e-5
%4 = lincomb 3*%0 -5*%1 0*%2 group=1 : s10e-3[-459,381] @1[-1]
%5 = quantize %2 k=0 bits=4 overflow=SAT : u4e-3
%6 = quantize %2 shift=2 k=1 bits=3 rounding=RND_CONV : s4e-1
%7 = compare %0, %1 : u1e0
%8 = compare %0, %1 relation=ne shift=1 : u1e0
%9 = bitwise %7, %8 function=xor : u1e0
%10 = slice %0 low=8 wrap : u1e5
%11 = mask %0, %10 when=0 : s8e-3
%12 = mux %7, %0, %1 shift=3 : s8e-3
%13 = slice %0 wrap : s2e-3
%14 = lookup %13 table=0 : s5e0[-7,12]
%15 = concat %1, %0 shift=4 : s12e0
%16 = mul %0, %0 : s16e-6[-16256,16384]
%17 = const : u0e4
%18 = const : s3e1[-3,-3]
%19 = max %0, %1 : u7e-3
%20 = min %0, %1 shift=-1 : s9e-4[-256,15]
%21 = abs %0 : u8e-3[0,128]
%22 = relu %0 : u7e-3
%23 = lincomb : u0e0
%24 = add %0, %1 : s9e-3[-128,142] @1[3] #0
%25 = mask %0, %9 : s8e-3 #7
output %2 field=0 @1[0] #7
output %9 port=1 field=0
output %17 port=1 field=1
"""
"""Every operation, attribute, port option and provenance."""


def test_what_is_written_is_read_and_written_again():
    """Catches a word that only one of the two sides knows."""
    assert to_text(verify(parse(EXAMPLE))) == EXAMPLE


@SEEDED
@given(seed=integers(0, 2**32 - 1), widest=sampled_from(WIDTHS))
def test_random_programs_survive_the_text(seed, widest):
    """Catches a loss that the example does not show; beyond 64 bits too."""
    program = random_program(seed, size=25, widest=widest)
    again = verify(parse(to_text(program)))
    assert to_text(again) == to_text(program)
    assert equal(program, again)


def equal(a: Program, b: Program) -> bool:
    columns = ("operation", "start", "operand", "weight", "attribute", "lo", "hi", "exponent")
    columns = (*columns, "wraps", "layer", "element", "block")
    same = all(getattr(a, c).tolist() == getattr(b, c).tolist() for c in columns)
    tables = [[(t.base, t.contents.tolist()) for t in program.tables] for program in (a, b)]
    ports = (a.inputs, a.outputs, a.layers) == (b.inputs, b.outputs, b.layers)
    return same and ports and dict(a.big) == dict(b.big) and tables[0] == tables[1]


def test_a_program_prints_itself():
    """Catches ``print(program)`` that shows something else than its text form."""
    program = random_program(3)
    assert str(program) == to_text(program)


def test_ports_may_be_left_out():
    """Tests and letters are written so: catches formats that the loose ports do not take."""
    program = verify(
        parse("""
            ; a relu
            %7 = input : s4e-1      ; the mantissa of x
            %9 = input : u3e0[1,5]
            %1 = relu %9 : u3e0[1,5]
            output %1
            output %7
        """)
    )
    assert program.inputs == (
        ProgramPort("x", (2,), (Field(0, Format(-8, 7, -1)), Field(1, Format(1, 5)))),
    )
    assert program.outputs == (
        ProgramPort("y", (2,), (Field(0, Format(1, 5)), Field(1, Format(-8, 7, -1)))),
    )


def test_fields_of_every_kind_survive():
    """Catches a word of a field that is dropped, or taken for another one."""
    port = ProgramPort(
        "x",
        (4,),
        (
            Field(0, Format(-8, 7, -1)),
            Field(1, Format(0, 7), "RND", "SAT", 0.1),
            Field(2, Format(-8, 7), "RND", "WRAP_SM", 1.0, False),
            Field(3, Format(0, 1), "TRN", "WRAP", float_type="float64"),
            Field(3, Format(-8, 7), "RND", "WRAP_SM", 4.0, True, "float64"),
        ),
    )
    assert parse(to_text(Builder([port]).build())).inputs == (port,)


def test_a_field_says_nothing_more():
    text = 'port input "x" (1) = 0:u1e0:RND:WRAP:1.0:0:1:float64'
    with pytest.raises(BadProgram, match="'0' says nothing of a field"):
        parse(text)


def test_names_of_values_are_free():
    """Catches a parser that takes the number for the row."""
    program = parse("%40 = const : u2e0[2,2]\n%7 = slice %40 low=1 : u1e0[1,1]\noutput %7")
    assert [value.operands for value in program] == [[], [0], [1]]


def test_names_of_any_kind_survive():
    """Layer and port names come from model files: catches quotes, comments, newlines, controls."""
    names = ['"', "\\", "a;b", "%0 = add", "new\nline", "\u2028", "\x00", "中文", "", " "]
    builder = Builder(
        [ProgramPort(name, (1,), (Field(0, Format(0, 1)),)) for name in names],
        [LayerName(name, "QDense") for name in names],
    )
    program = builder.build()
    again = parse(to_text(program))
    assert (again.inputs, again.layers) == (program.inputs, program.layers)


def test_wide_numbers_survive():
    """Catches a coefficient, an interval or a table entry cut to a machine word."""
    text = (
        f"table 0: {2**80} {-(2**70)}\n"
        "%0 = input : s90e0\n%1 = input : u1e0\n"
        f"%2 = lincomb {3**60}*%0 : s186e0[{-(3**60) * 2**89},{3**60 * (2**89 - 1)}]\n"
        f"%3 = lookup %1 table=0 : s82e0[{-(2**70)},{2**80}]\n"
        "output %2\noutput %3\n"
    )
    program = verify(parse(text))
    assert program[2].weights == [3**60]
    assert program.tables[0].at(1) == -(2**70)
    assert verify(parse(to_text(program))).interval(2) == program.interval(2)


# -- refusals ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hello", "this is no line of a Program"),
        ("%1 = add %0 %0", "this is no line of a Program"),
        ("%1 = sub %0, %0 : s5e0", "there is no operation 'sub'"),
        ("%1 = output %0 : s4e0", "there is no operation 'output'"),
        ("%0 = relu %0 : u3e0", "%0 is there already"),
        ("%1 = relu %9 : u3e0", "there is no %9 above"),
        ("%1 = relu %1 : u3e0", "there is no %1 above"),
        ("%1 = lincomb 2*%9 : u3e0", "there is no %9 above"),
        ("output %9", "there is no %9 above"),
        ("%1 = add %0 : s5e0", "add takes 2 operands"),
        ("%1 = relu %0, %0 : s5e0", "relu takes 1 operands"),
        ("%1 = add %0, %0 carry=1 : s5e0", "add has no attribute 'carry'"),
        ("%1 = add %0, %0 shift=two : s5e0", "invalid literal for int() with base 10: 'two'"),
        ("%1 = concat %0, %0 : s8e0", "shift= is missing"),
        ("%1 = quantize %0 k=1 : s5e0", "bits= is missing"),
        (
            "%1 = compare %0, %0 relation=gt : u1e0",
            "relation is one of lt, le, eq, ne, not 'gt'",
        ),
        (
            "%1 = quantize %0 k=1 bits=2 overflow=CLIP : s3e0",
            "overflow is one of WRAP, SAT, SAT_SYM, WRAP_SM, not 'CLIP'",
        ),
        ("%1 = const : u3e0", "a constant is written with its interval, u3e0[5,5]"),
        ("%1 = relu %0 : q3e0", "'q3e0' is no format: write for example s12e-3 or u4e0[1,9]"),
        ("%1 = relu %0 : u3e0[1,9]", "'u3e0[1,9]': the interval needs u4e0"),
        (
            'port input "x" (1) = 0:s4e0',
            "not enough values to unpack (expected at least 5, got 2)",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_shown(line, problem):
    """Catches a message from which the mistake cannot be found."""
    text = f"\n%0 = input : s4e0\n   {line}\n"
    with pytest.raises(BadProgram) as error:
        parse(text)
    assert str(error.value) == f"line 3: {line!r}: {problem}"


def test_long_lines_are_cut_in_messages():
    """Catches a message as long as a model."""
    with pytest.raises(BadProgram) as error:
        parse("x" * 5000)
    assert str(error.value) == f"line 1: {'x' * 80!r}: this is no line of a Program"


@pytest.mark.parametrize(
    "line",
    ["%1 = slice %0 low=99999999999999999999 : u8e0", "%1 = relu %0 : u3e0 @99999999999[0]"],
)
def test_numbers_beyond_the_columns_are_refused(line):
    """Catches an OverflowError from inside."""
    with pytest.raises(BadProgram) as error:
        parse(f"%0 = input : s4e0\n{line}")
    assert str(error.value) == "an attribute or a layer's number is beyond 64 bits"
