"""Programs as JSON: equal after the way through a file, and refused where damaged."""

from __future__ import annotations

import copy
import gzip
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from

from hgq2rtl.errors import BadProgram
from hgq2rtl.fixed import Format
from hgq2rtl.ir import (
    Builder,
    Field,
    ProgramPort,
    from_json,
    load,
    parse,
    save,
    to_json,
    to_text,
)

from .random_programs import WIDTHS, random_program

SEEDED = settings(derandomize=True, deadline=None, max_examples=40)

SMALL = """
layer "dense" QDense
%0 = input : s4e-1
%1 = lincomb 3*%0 : s6e-1[-24,21] @0[2]
output %1
"""


def small() -> dict:
    """A small Program as JSON would give it: plain lists, strings and numbers."""
    return json.loads(json.dumps(to_json(parse(SMALL))))


@SEEDED
@given(seed=integers(0, 2**32 - 1), widest=sampled_from(WIDTHS))
def test_random_programs_survive_json(seed, widest):
    """Catches a column, port or table that is lost or cut, beyond 64 bits too."""
    program = random_program(seed, size=25, widest=widest)
    data = json.loads(json.dumps(to_json(program)))
    again = from_json(data)
    assert to_text(again) == to_text(program)
    assert to_json(again) == to_json(program)
    assert dict(again.big) == dict(program.big)
    assert again.lo.dtype == program.lo.dtype and again.operand.dtype == program.operand.dtype


@pytest.mark.parametrize("name", ["program.json", "program.json.gz"])
def test_files_come_back(name, tmp_path):
    """Catches a suffix that is written one way and read another."""
    program = random_program(11, widest=80)
    save(program, tmp_path / name)
    assert to_text(load(tmp_path / name)) == to_text(program)
    is_compressed = (tmp_path / name).read_bytes()[:2] == b"\x1f\x8b"
    assert is_compressed == name.endswith(".gz")


def test_equal_programs_give_equal_files(tmp_path):
    """Builds are compared by their files: catches a time stamp inside."""
    for name in ("a.json.gz", "b.json.gz"):
        save(random_program(11), tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


def test_fields_of_every_kind_survive():
    """Catches a part of a field that the file does not hold."""
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
    data = json.loads(json.dumps(to_json(Builder([port]).build())))
    assert from_json(data).inputs == (port,)


# -- refusals ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "hgq2rtl-schedule"}, "this is no hgq2rtl Program: it lacks its kind"),
        (
            {"version": 1},
            "Program version 1 is unknown here: this hgq2rtl reads version 2. "
            "Compile the model again.",
        ),
        (
            {"version": None},
            "Program version None is unknown here: this hgq2rtl reads version 2. "
            "Compile the model again.",
        ),
        (
            {"operations": ["input", "const"]},
            "the Program uses another set of operations. Compile the model again.",
        ),
        ({"weight": {"9": 1}}, "the Program is damaged: IndexError('row 9 of 2')"),
        ({"weight": {"0": 1.5}}, "the Program is damaged: TypeError('1.5 is no integer')"),
        ({"big": {"-1": ["0", "1"]}}, "the Program is damaged: IndexError('row -1 of 3')"),
        ({"big": {"0": ["0", "1"]}}, "%0: its big interval and its columns disagree"),
        (
            {"attribute": {"0": [1]}},
            "the Program is damaged: ValueError('1 numbers instead of 5')",
        ),
        (
            {"inputs": None},
            "the Program is damaged: TypeError(\"'NoneType' object is not iterable\")",
        ),
        ({"layers": []}, "column layer points outside its table of 0"),
    ],
)
def test_what_is_not_ours_is_refused(change, message):
    """Catches a file of another kind, version or content that is taken for a Program."""
    with pytest.raises(BadProgram) as error:
        from_json(small() | change)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("column", "numbers", "message"),
    [
        ("lo", [-8, -24, 0.5], "TypeError('a column holds something else than integers')"),
        ("operation", [256, 12, 11], "ValueError('a column holds a number that is no uint8')"),
        ("exponent", [2**40, -1, -1], "ValueError('a column holds a number that is no int32')"),
        ("wraps", [2, 0, 0], "ValueError('a column holds a number that is no bool')"),
        ("hi", [[7], [21], [21]], "TypeError('a column holds something else than integers')"),
    ],
)
def test_columns_are_not_bent_into_shape(column, numbers, message):
    """NumPy cuts floats and wraps integers in silence: catches another Program than was stored."""
    data = small()
    data["columns"][column] = numbers
    with pytest.raises(BadProgram) as error:
        from_json(data)
    assert str(error.value) == f"the Program is damaged: {message}"


def test_an_unsound_program_is_refused():
    """Catches a loader that trusts a file's intervals."""
    data = small()
    data["columns"]["hi"][1] = 20
    with pytest.raises(BadProgram) as error:
        from_json(data)
    assert str(error.value) == (
        "%1 = lincomb: the result reaches [-24, 21] and the format is s6e-1[-24,20]: "
        "widen it or mark it wrap"
    )


@pytest.mark.parametrize("data", [None, [], "program", 3, {}, {"version": 1}])
def test_other_json_is_refused(data):
    """Catches a traceback on any well-formed JSON."""
    with pytest.raises(BadProgram) as error:
        from_json(data)
    assert str(error.value) == "this is no hgq2rtl Program: it lacks its kind"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("p.json", b"", "Expecting value: line 1 column 1 (char 0)"),
        ("p.json", b"{", "Expecting property name enclosed in double quotes: line 1 column 2"),
        ("p.json", b"\xff\xfe{", "can't decode"),
        ("p.json", b"[" * 100_000, "maximum recursion depth exceeded"),
        ("p.json", b'{"kind": ' + b"9" * 5000 + b"}", "Exceeds the limit (4300 digits)"),
        ("p.json.gz", b"{}", "Not a gzipped file"),
        ("p.json.gz", gzip.compress(b"{}" * 99)[:-9], "Compressed file ended before"),
        (
            "p.json.gz",
            gzip.compress(b"{}" * 99)[:10] + b"\xff" * 30,
            "Error -3 while decompressing",
        ),
    ],
)
def test_broken_files_are_named(name, content, problem, tmp_path):
    """Catches an error of json, gzip or zlib that reaches the user without the file's name."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadProgram) as error:
        load(path)
    assert str(error.value).startswith(f"{path} cannot be read as a Program: ")
    assert problem in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    """Catches a bare FileNotFoundError."""
    path = tmp_path / "none.json"
    with pytest.raises(BadProgram) as error:
        load(path)
    assert str(error.value) == (
        f"{path} cannot be read as a Program: [Errno 2] No such file or directory: '{path}'"
    )


def test_a_file_that_inflates_without_end_is_cut_off(tmp_path, monkeypatch):
    """Catches a small file that fills the memory."""
    monkeypatch.setattr("hgq2rtl.ir.serial.LARGEST", 1000)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * 10**6))
    with pytest.raises(BadProgram) as error:
        load(path)
    assert str(error.value) == "bomb.json.gz holds more than 1000 bytes"


# -- damage of any kind ------------------------------------------------------

JUNK = [None, -1, 0, 10**30, 1.5, "x", [], {}, True, 2**31, 2**63 - 1, -(2**63), 256, "nan", [[1]]]
JUNK += ["9" * 5000, float("nan"), float("inf"), "s4e0", ["0", str(2**70)]]


def damaged(rng: random.Random, data: dict) -> dict:
    """`data` with one value replaced, added or taken away, at any depth."""
    data = at = copy.deepcopy(data)
    while True:
        places = list(at) if isinstance(at, dict) else range(len(at))
        key = rng.choice(list(places))
        if isinstance(at[key], (dict, list)) and at[key] and rng.random() < 0.8:
            at = at[key]
            continue
        if rng.random() < 0.1:
            del at[key]
        elif isinstance(at, list) and rng.random() < 0.2:
            at.insert(key, rng.choice(JUNK))
        else:
            at[key] = rng.choice(JUNK)
        return data


@pytest.mark.parametrize("seed", range(8))
def test_damage_gives_a_sound_program_or_a_clear_refusal(seed):
    """The file is untrusted input: catches any other exception, and messages of many pages."""
    rng = random.Random(seed)
    data = json.loads(json.dumps(to_json(random_program(seed, size=15))))
    for _ in range(100):
        try:
            to_text(from_json(damaged(rng, data)))
        except BadProgram as refusal:
            assert len(str(refusal)) < 400
