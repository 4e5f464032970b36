"""The interpreter: kernel, Python ints and the meanings agree; so does the border."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgq2rtl import _kernel
from hgq2rtl.errors import BadOption, NotExact
from hgq2rtl.fixed import (
    FLOAT_TYPES,
    OVERFLOWS,
    ROUNDINGS,
    Format,
    quantize,
    quantize_float,
    wrap,
)
from hgq2rtl.ir import Builder, Field, Program, ProgramPort, Table, parse
from hgq2rtl.ir.interpreter import Interpreter, evaluate
from hgq2rtl.ir.operations import const, input_

from .random_programs import WIDTHS, random_mantissas, random_program

seeds = st.integers(0, 2**32 - 1)


def program_of(ports, write):
    """A Program with input `ports`; `write` gets builder and input values, gives the outputs."""
    builder = Builder(ports)
    inputs = [builder.input(p, f) for p, port in enumerate(ports) for f in range(len(port.fields))]
    outputs = write(builder, *inputs)
    builder.add_output_port("y", (len(outputs),), outputs)
    return builder.build()


def port_of(*formats, **how):
    fields = tuple(Field(n, Format.parse(f), **how) for n, f in enumerate(formats))
    return ProgramPort("x", (len(formats),), fields)


# -- integers ------------------------------------------------------------------


def twin_values(program: Program, mantissas) -> list[list[int]]:
    """Every value in every sample, straight from the meanings: no format, no liveness."""
    samples = []
    for sample in range(len(mantissas[0])):
        values: list[int] = []
        for value in program:
            if value.operation is input_:
                given = value.attributes
                m = int(mantissas[given["port"]][sample, given["field"]])
            elif value.operation is const:
                m = value.interval[0]
            else:
                m = int(value.meaning(*(values[o] for o in value.operands)))
            if value.is_wrapping:
                m = wrap(m, value.interval[0], value.format.width)
            assert m in value.format, f"%{value.number} is outside its format"
            values.append(m)
        samples.append(values)
    return samples


@given(seed=seeds, widest=st.sampled_from(WIDTHS), size=st.integers(8, 80))
@settings(max_examples=150, deadline=None)
def test_kernel_python_ints_and_meanings_agree_on_every_value(seed, widest, size):
    program = random_program(seed, size, widest)
    mantissas = random_mantissas(program, 20, seed)
    which = list(range(len(program)))
    expected = twin_values(program, mantissas)
    assert Interpreter(program).values(mantissas, which).tolist() == expected
    assert Interpreter(program, exact=True).values(mantissas, which).tolist() == expected


@given(seed=seeds, widest=st.sampled_from(WIDTHS))
@settings(max_examples=100, deadline=None)
def test_outputs_do_not_depend_on_what_else_is_kept(seed, widest):
    # Catches a slot that is used again while its value is still needed.
    program = random_program(seed, 60, widest)
    mantissas = random_mantissas(program, 20, seed)
    interpreter = Interpreter(program)
    every = interpreter.values(mantissas, range(len(program)))
    for v in range(0, len(program), 7):
        assert np.array_equal(interpreter.values(mantissas, [v])[:, 0], every[:, v])
    for port, fields in zip(interpreter.run(mantissas), interpreter._outputs, strict=True):
        assert np.array_equal(port, every[:, fields])


@given(seed=seeds, samples=st.integers(0, 3000), threads=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_blocks_and_threads_do_not_show(seed, samples, threads):
    program = random_program(seed, 30, 15)
    rows = [np.resize(m, (samples, m.shape[1])) for m in random_mantissas(program, 50, seed)]
    few = Interpreter(program).run(random_mantissas(program, 50, seed))
    many = Interpreter(program, threads=threads).run(rows)
    for got, expected in zip(many, few, strict=True):
        assert np.array_equal(got, np.resize(expected, got.shape))


@pytest.mark.parametrize("widest", WIDTHS)
def test_baseline_and_vector_instructions_agree(widest):
    for seed in range(20):
        program = random_program(seed, 60, widest)
        mantissas = random_mantissas(program, 70, seed)
        interpreter = Interpreter(program)
        which = list(range(len(program)))
        tape = interpreter._make_tape(which)
        if tape is None:
            continue
        results = []
        for level in ("", "baseline"):
            result = np.empty((70, len(which)), np.int64)
            kept = [(0, c, 1.0) for c in which]
            fault = _kernel.evaluate(
                tape, interpreter._fields, mantissas, [result], kept, 70, threads=1, level=level
            )
            assert fault is None
            results.append(result)
        assert np.array_equal(*results)


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        ("%0 = input field=0 : s16e0\noutput %0", "int16"),
        ("%0 = input field=0 : u15e0\noutput %0", "int16"),
        ("%0 = input field=0 : u16e0\noutput %0", "int32"),
        ("%0 = input field=0 : s32e0\noutput %0", "int32"),
        ("%0 = input field=0 : u32e0\noutput %0", "int64"),
        ("%0 = input field=0 : s64e0\noutput %0", "int64"),
        ("%0 = input field=0 : u64e0\noutput %0", "exact"),
        # A sum that leaves int16 on the way, but not in the end.
        ("%0 = input field=0 : s16e0\n%1 = add %0, %0 shift=9 wrap : s12e0\noutput %1", "int16"),
        ("%0 = input field=0 : s9e0\n%1 = mul %0, %0 wrap : s16e0\noutput %1", "int16"),
        # A comparison must see every bit of what it compares.
        ("%0 = input field=0 : s16e0\n%1 = compare %0, %0 shift=1 : u1e0\noutput %1", "int32"),
        ("%0 = input field=0 : s8e0\n%1 = compare %0, %0 shift=60 : u1e0\noutput %1", "exact"),
        # Rounding adds an offset before it drops bits; floor does not.
        (
            "%0 = input field=0 : s16e0\n"
            "%1 = quantize %0 shift=2 k=1 bits=8 rounding=RND wrap : s9e0\noutput %1",
            "int32",
        ),
        (
            "%0 = input field=0 : s16e0\n%1 = quantize %0 shift=2 k=1 bits=8 : s9e2\noutput %1",
            "int16",
        ),
        (
            "%0 = input field=0 : s15e0\n"
            "%1 = quantize %0 shift=-3 k=1 bits=8 overflow=SAT : s9e-3\noutput %1",
            "int32",
        ),
    ],
)
def test_the_formats_choose_the_lane(text, lane):
    program = parse(text)
    interpreter = Interpreter(program)
    assert interpreter.lane == lane
    format = program.format(0)
    near = (format.lo, format.lo + 1, -1, 0, 1, format.hi - 1, format.hi)
    ends = np.array([[m] for m in near if m in format], object)
    exact = Interpreter(program, exact=True)
    assert interpreter.run([ends])[0].tolist() == exact.run([ends])[0].tolist()


def test_values_beyond_int64_are_python_ints():
    program = program_of([port_of("s64e0")], lambda b, x: [b.mul(x, x), b.slice(b.mul(x, x), 70)])
    (y,) = evaluate(program, [np.array([[-(2**63)], [2**63 - 1]])])
    assert y.dtype == object
    assert y.tolist() == [[2**126, 2**56], [(2**63 - 1) ** 2, (2**63 - 1) ** 2 >> 70]]


def test_coefficients_beyond_int64_are_exact():
    big = 2**70 + 3
    program = program_of(
        [port_of("s20e0", "s20e0")],
        lambda b, x, y: [
            b.lincomb([x, y, x], [big, 5, -big], interval=(-(2**39), 2**39 - 1), wraps=True)
        ],
    )
    assert Interpreter(program).lane == "int64"
    mantissas = [np.array([[-(2**19), 2**19 - 1], [77, -3]])]
    assert evaluate(program, mantissas)[0].tolist() == [[5 * (2**19 - 1)], [-15]]


def test_a_table_is_read_from_its_base():
    table = Table(-4, np.array([7, 1, -5, 0, 3, 2, 9, -8, 4]))
    builder = Builder([port_of("s3e0")], tables=[table])
    builder.add_output_port("y", (1,), [builder.lookup(builder.input(0, 0), 0)])
    (y,) = evaluate(builder.build(), [np.arange(-4, 4)[:, None]])
    assert y[:, 0].tolist() == [7, 1, -5, 0, 3, 2, 9, -8]


def test_an_operand_outside_its_table_is_refused_before_memory_is_read():
    builder = Builder([port_of("s9e0")], tables=[Table(0, np.arange(4))])
    builder.add_output_port("y", (1,), [builder.lookup(builder.input(0, 0), 0, interval=(0, 3))])
    with pytest.raises(ValueError, match="the operand leaves the table"):
        evaluate(builder.build(), [np.array([[255]])])


# -- the border ------------------------------------------------------------------


def nasty_floats(field: Field) -> np.ndarray:
    """Floats where a quantizer can go wrong: ties, their neighbours, the ends, far away."""
    k, i, f = field.kif
    step = 2.0**-f
    span = 2.0 ** min(i, 40)
    rng = np.random.default_rng(k + 2 * (i & 63) + 200 * (f & 63))
    halves = np.arange(-70, 71) * step / 2
    ends = np.array([-2, -1, -0.5, 0.5, 1, 2, 3, 4])[:, None] * span + halves[None, ::10]
    ulps = np.ldexp(1.0, np.arange(20, 34)) * step
    exact = np.concatenate([halves, ends.ravel(), ulps, -ulps, ulps + step, step - ulps])
    kind = FLOAT_TYPES[field.float_type]
    near = exact.astype(kind)
    rounded = [np.nextafter(near, kind(np.inf)), np.nextafter(near, kind(-np.inf))]
    tiny = np.array([0.0, -0.0, 1e-45, -1e-45, 1.2e-38, -1e-30, 2.0**-149 * 3])
    huge = np.array([1e6, -1e6, 2.0**24, 2.0**24 + 2, 2.0**31, -(2.0**33), 1e15, -1e15, 1e18, 3e37])
    scattered = rng.normal(size=200) * span * rng.choice([0.01, 1, 30], 200)
    parts = [exact, *rounded, tiny, huge, -huge, scattered]
    floats = np.concatenate([np.asarray(part, np.float64) for part in parts])
    return floats[np.abs(floats) < 3e38]


def twin_mantissas(field: Field, x: np.ndarray) -> list[int | None]:
    """By fixed.quantize_float, one by one; None where it is refused."""
    found: list[int | None] = []
    kind = FLOAT_TYPES[field.float_type]
    for each in x.astype(kind) / kind(field.scaler):
        try:
            k, i, f = map(np.array, field.kif)
            m = int(quantize_float(each, k, i, f, field.rounding, field.overflow, field.float_type))
        except NotExact:
            m = field.format.hi + 1
        found.append(m if m in field.format else None)
    return found


def assert_border(field: Field, x: np.ndarray) -> None:
    program = program_of([ProgramPort("x", (1,), (field,))], lambda b, v: [v])
    twin = twin_mantissas(field, x)
    taken = np.array([m is not None for m in twin], bool)
    expected = [m for m in twin if m is not None]
    for exact in (False, True):
        interpreter = Interpreter(program, exact=exact)
        (got,) = interpreter.quantize_inputs([x[taken, None]])
        assert got[:, 0].tolist() == expected
        for each in x[~taken][:20]:
            with pytest.raises(NotExact):
                interpreter.quantize_inputs([np.array([[each]])])


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(
    "kif",
    [(1, 2, 5), (0, 3, 4), (1, 0, 0), (0, -2, 6), (1, 9, -3), (1, 20, 8), (0, 30, 4), (1, -3, 40)],
)
@pytest.mark.parametrize("float_type", FLOAT_TYPES)
def test_floats_become_the_mantissas_of_the_framework(kif, rounding, overflow, float_type):
    format = Format.from_kif(*kif)
    if overflow == "WRAP_SM" and kif[0] == 0:
        format = Format(-(2 ** (kif[1] + kif[2])), format.hi, -kif[2])
        field = Field(0, format, rounding, overflow, keeps_negative=False, float_type=float_type)
    else:
        field = Field(0, format, rounding, overflow, float_type=float_type)
    assert_border(field, nasty_floats(field))


@given(
    k=st.integers(0, 1),
    i=st.integers(-70, 70),
    bits=st.integers(1, 60),
    float_type=st.sampled_from(list(FLOAT_TYPES)),
    rounding=st.sampled_from(ROUNDINGS),
    overflow=st.sampled_from(OVERFLOWS),
    scaler=st.sampled_from([1.0, 3.0, 0.1, 2.0**-20]),
    floats=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_any_quantizer_and_any_float(k, i, bits, rounding, overflow, scaler, floats, float_type):
    if overflow == "WRAP_SM":
        k = 1
    format = Format.from_kif(k, i, bits - i)
    field = Field(0, format, rounding, overflow, scaler, float_type=float_type)
    x = np.array([*floats, *np.array(floats) * 2.0 ** (i - 100)])
    with np.errstate(all="ignore"):
        x = x[np.isfinite(x.astype(np.float32) / np.float32(scaler))]
    assert_border(field, x)


@given(
    format=st.sampled_from(["s60e0", "u64e-1", "s60e-4", "s70e0", "s8e3"]),
    how=st.sampled_from([("EXACT", "EXACT"), ("RND", "WRAP"), ("TRN", "SAT")]),
    integers=st.lists(st.integers(-(2**75), 2**75), min_size=1, max_size=5),
)
def test_integers_of_any_size_are_taken_exactly(format, how, integers):
    """Catches an integer input that a float rounds to 53 bits: its value is the integer."""
    field = Field(0, Format.parse(format), *how, float_type="float64")
    program = program_of([ProgramPort("x", (1,), (field,))], lambda b, v: [v])
    k, i, f = field.kif
    for exact in (False, True):
        interpreter = Interpreter(program, exact=exact)
        for n in integers:
            x = np.array([[n]], object)
            m = Fraction(n) * 2**f if f >= 0 else Fraction(n, 2**-f)
            if how[0] != "EXACT" and sum(field.kif) > 52:
                wanted = quantize(n, -f, k, i + f, *how)
                assert interpreter.quantize_inputs([x])[0].tolist() == [[wanted]]
            elif how[0] == "EXACT" and m.denominator == 1 and int(m) in field.format:
                assert interpreter.quantize_inputs([x])[0].tolist() == [[int(m)]]
            elif how[0] == "EXACT":
                with pytest.raises(NotExact):
                    interpreter.quantize_inputs([x])


def test_a_field_that_only_rounds_in_float64_is_exact():
    """Catches a kernel that rounds 0.5 - 2**-54 up, where exact arithmetic does not."""
    field = Field(0, Format.parse("s8e0"), "RND", "EXACT", float_type="float64")
    program = program_of([ProgramPort("x", (1,), (field,))], lambda b, v: [v])
    for exact in (False, True):
        interpreter = Interpreter(program, exact=exact)
        given = np.array([[0.5 - 2.0**-54], [0.5]])
        assert interpreter.quantize_inputs([given])[0].tolist() == [[0], [1]]


def test_numpy_integers_in_an_object_array_are_integers():
    program = program_of([port_of("s62e0")], lambda b, x: [x])
    x = np.array([[np.int64(2**60 + 1)], [5]], object)
    assert Interpreter(program).quantize_inputs([x])[0].tolist() == [[2**60 + 1], [5]]


@pytest.mark.parametrize("kind", [np.int64, np.uint64, object])
def test_a_port_echoes_wide_integers(kind):
    """Catches integers of 60 bits that pass through a float64 on the way to the kernel."""
    program = program_of([port_of("s62e0")], lambda b, x: [x])
    x = np.array([[2**60 + 1], [2**53 + 1], [3]], kind)
    interpreter = Interpreter(program)
    assert interpreter.lane == "int64"
    assert interpreter.run(interpreter.quantize_inputs([x]))[0].tolist() == x.tolist()


def test_a_float32_port_takes_wide_integers_as_float32():
    """Catches an integer that is rounded twice, to float64 and then to float32."""
    field = Field(0, Format.parse("s63e0"), "TRN", "SAT")
    program = program_of([ProgramPort("x", (1,), (field,))], lambda b, v: [v])
    n = 2**60 + 2**36 + 1  # just above the tie of two float32
    x = np.array([[n], [2**70], [-(10**400)]], object)
    wanted = [2**60 + 2**37, 2**62 - 1, -(2**62)]
    # float32 holds no 2**62 - 1: the saturated number is beyond the format.
    assert Interpreter(program).quantize_inputs([x[:1]])[0].tolist() == [wanted[:1]]
    with pytest.raises(NotExact, match="is quantized to a number that s63e0 does not hold"):
        Interpreter(program).quantize_inputs([x[1:2]])
    with pytest.raises(NotExact, match="is not finite in float32"):
        Interpreter(program).quantize_inputs([x[2:]])


@given(
    format=st.sampled_from(["s8e-3", "u4e0", "s12e3", "u1e-1", "s40e-20", "s60e2", "s8e0[-3,90]"]),
    data=st.data(),
)
def test_an_exact_port_takes_exactly_the_numbers_of_its_format(format, data):
    field = Field(0, Format.parse(format))
    program = program_of([ProgramPort("x", (1,), (field,))], lambda b, v: [v])
    near = st.integers(field.format.lo - 3, field.format.hi + 3).map(
        lambda m: float(m) * 2.0**field.format.exponent
    )
    x = data.draw(st.one_of(near, st.floats(allow_nan=False, allow_infinity=False)))
    m = Fraction(x) / Fraction(2) ** field.format.exponent
    for exact in (False, True):
        interpreter = Interpreter(program, exact=exact)
        if m.denominator == 1 and int(m) in field.format:
            assert interpreter.quantize_inputs([np.array([[x]])])[0].tolist() == [[int(m)]]
        else:
            with pytest.raises(NotExact):
                interpreter.quantize_inputs([np.array([[x]])])


@given(seed=seeds, single=st.booleans())
@settings(max_examples=60, deadline=None)
def test_predict_is_quantize_run_and_scale(seed, single):
    program = random_program(seed, 30, 15)
    ports = tuple(
        ProgramPort(
            p.name, p.shape, tuple(Field(f.element, f.format) for f in p.fields if f.format.width)
        )
        for p in program.outputs
    )
    assert ports
    rng = np.random.default_rng(seed)
    floats = []
    for port in program.inputs:
        x = np.zeros((50, *port.shape), np.float32 if single else np.float64)
        for field in port.fields:
            m = rng.integers(field.format.lo, field.format.hi + 1, 50)
            x[:, field.element] = np.ldexp(m.astype(np.float64), field.format.exponent)
        floats.append(x)
    kernel, exact = Interpreter(program), Interpreter(program, exact=True)
    try:
        mantissas = exact.quantize_inputs(floats)
    except NotExact:  # an element that two fields read in different formats
        with pytest.raises(NotExact):
            kernel.predict(floats)
        return
    outputs = exact.run(mantissas)
    for y, twin, port, m in zip(
        kernel.predict(floats), exact.predict(floats), program.outputs, outputs, strict=True
    ):
        exponents = np.array([field.format.exponent for field in port.fields])
        assert y.dtype == np.float64
        assert np.array_equal(y, np.ldexp(m.astype(np.float64), exponents).reshape(y.shape))
        assert np.array_equal(y, twin)


def test_outputs_go_to_their_elements_and_the_rest_is_zero():
    builder = Builder([port_of("s8e-3", "s8e1")])
    a, b = builder.input(0, 0), builder.input(0, 1)
    fields = (Field(5, builder.format(a)), Field(2, builder.format(b)))
    builder.outputs.append(ProgramPort("y", (2, 3), fields))
    builder.output(a, 0, 0)
    builder.output(b, 0, 1)
    (y,) = Interpreter(builder.build()).predict([np.array([[1.5, 8.0]])])
    assert y.tolist() == [[[0, 0, 8.0], [0, 0, 1.5]]]


# -- what is refused -----------------------------------------------------------------

ECHO = program_of([port_of("s8e-3", "u4e0")], lambda b, x, y: [x, y])
WRAPPING = program_of(
    [port_of("s8e-3", "u4e0", rounding="RND", overflow="WRAP")], lambda b, x, y: [x, y]
)
DOUBLE = program_of(
    [port_of("s40e0", rounding="RND", overflow="WRAP", float_type="float64")], lambda b, x: [x]
)
WIDE_WRAP = program_of([port_of("s40e0", rounding="TRN", overflow="SAT")], lambda b, x: [x])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("program", "sample", "message"),
    [
        (
            WRAPPING,
            [0.0, np.nan],
            "input 'x', sample 3, element 1: nan is not finite in float32. Give finite numbers.",
        ),
        (
            WRAPPING,
            [1e39, 0.0],
            "input 'x', sample 3, element 0: 1e+39 is not finite in float32. Give finite numbers.",
        ),
        (
            DOUBLE,
            [np.inf],
            "input 'x', sample 3, element 0: inf is not finite in float64. Give finite numbers.",
        ),
        (
            ECHO,
            [0.3, 0.0],
            "input 'x', sample 3, element 0: 0.3 is no multiple of 2**-3, and the port takes only "
            "numbers that s8e-3 holds exactly. Round them first.",
        ),
        (
            ECHO,
            [0.0, 16.0],
            "input 'x', sample 3, element 1: 16.0 is outside [0, 15] * 2**0, and the port takes "
            "only numbers that u4e0 holds exactly. Clip them first.",
        ),
        (
            WIDE_WRAP,
            [1e30],
            "input 'x', sample 3, element 0: 1e+30 is quantized to a number that s40e0 does not "
            "hold: float32 has 24 bits, and rounds the framework's result beyond the end of the "
            "format. Give smaller numbers.",
        ),
    ],
)
def test_a_refused_float_is_named(program, sample, message, exact):
    x = np.zeros((900, len(sample)))
    x[3] = sample
    x[700] = sample
    with pytest.raises(NotExact, match=f"^{re.escape(message)}$"):
        Interpreter(program, exact=exact, threads=2).predict([x])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("kind", [np.int64, np.int16, object])
def test_a_refused_integer_is_named(kind, exact):
    m = np.zeros((900, 2), kind)
    m[5, 1] = m[800, 0] = 200
    message = "input 'x', sample 5, field 1: 200 is outside [0, 15], what u4e0 holds"
    with pytest.raises(BadOption, match=f"^{re.escape(message)}$"):
        Interpreter(ECHO, exact=exact).run([m])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the model has 1 inputs and 0 were given"),
        ([np.zeros((4, 3))], "input 'x': the floats have shape (4, 3): give (samples, 2)"),
        ([np.zeros(2)], "input 'x': the floats have shape (2,): give (samples, 2)"),
        ([np.array([["a", "b"]])], "input 'x': give floats, not <U1"),
    ],
)
def test_arrays_of_another_kind_are_refused(given, message):
    with pytest.raises(BadOption, match=f"^{re.escape(message)}$"):
        Interpreter(ECHO).predict(given)


def test_floats_are_no_mantissas():
    message = (
        "input 'x': mantissas must be integers, not float64. "
        "Floats go through predict or quantize_inputs."
    )
    with pytest.raises(BadOption, match=f"^{re.escape(message)}$"):
        Interpreter(ECHO).run([np.zeros((1, 2))])


def test_inputs_of_different_lengths_are_refused():
    two = program_of([port_of("u1e0"), port_of("u1e0")], lambda b, x, y: [x])
    with pytest.raises(BadOption, match="^the inputs have 3 and 4 samples: give as many of each$"):
        Interpreter(two).run([np.zeros((3, 1), int), np.zeros((4, 1), int)])


def test_an_output_beyond_float64_asks_for_exact():
    wide = program_of([port_of("s40e0")], lambda b, x: [b.mul(x, x)])
    message = (
        "output 'y', element 0: float64 does not hold s80e0[-302231454903107537862656,"
        "302231454903657293676544]. Ask for exact=True: integer mantissas and exponents."
    )
    with pytest.raises(BadOption, match=f"^{re.escape(message)}$"):
        Interpreter(wide).predict([np.zeros((1, 1))])
