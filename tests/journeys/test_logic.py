"""A user's own function, alone and behind a model, down to the Verilog."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hgq2rtl
from hgq2rtl.cli import commands
from hgq2rtl.errors import BadOption
from hgq2rtl.user_code import FileFunctions

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def logic(x, threshold):
    order = np.argsort(x)
    return {
        "best": np.argmax(x),
        "top": np.sort(x)[-2:],
        "order": order,
        "mean": hgq2rtl.quantize(np.sum(x) / 5, 1, 4, 2, "RND_CONV", "SAT"),
        "any": np.any(x > threshold),
        "energy": x @ x,
        "table": hgq2rtl.quantize(np.exp(x / 4), 0, 3, 4, "RND", "SAT"),
    }


def test_a_function_alone_is_bit_exact_in_verilog():
    """Catches an operation whose Verilog differs, and a port that is mixed up."""
    design = hgq2rtl.trace(
        logic, inputs={"x": hgq2rtl.Input("1,3,2", (5,)), "threshold": "1,3,2"}, clock_ns=4
    )
    dice = np.random.default_rng(1)
    x, threshold = dice.integers(-32, 32, (300, 5)) / 4, dice.integers(-32, 32, 300) / 4
    x[:40] = np.floor(x[:40])  # equal elements
    results = design.predict([x, threshold])
    wanted = [logic(*each) for each in zip(x, threshold, strict=True)]
    for port, got in zip(design.program.outputs, results, strict=True):
        if port.name == "order":  # NumPy's own order of equal elements is any
            expected = np.argsort(x, axis=1, kind="stable")
        else:
            expected = np.array([each[port.name] for each in wanted])
        assert np.array_equal(got, expected), port.name
    assert str(design.check([x, threshold])).startswith("bit-exact: 300 samples, 0 mismatches")
    assert design.check(samples=500).mismatches == 0


def test_formats_may_differ_by_element():
    """Catches a port whose elements all get the first format."""
    widths = (np.array([1, 0, 0]), np.array([2, 3, 0]), np.array([0, -1, 0]))
    design = hgq2rtl.trace(lambda x: x * 3, inputs=[widths])
    assert [str(f.format) for f in design.program.inputs[0].fields] == ["s3e0", "u2e1", "u0e0"]
    assert design.predict(np.array([[-4, 6, 0]])).tolist() == [[-12, 18, 0]]


def test_sixty_bits_are_exact_from_end_to_end():
    """Catches a constant, an input or a result that passes through a float."""
    kernel = [[(1 << 60) - 1, -(1 << 59) - 7], [(1 << 58) + 3, 5]]
    bias = [(1 << 60) - 5, -((1 << 60) - 3)]
    design = hgq2rtl.trace(
        lambda x: x @ np.array(kernel, object) + np.array(bias, object),
        inputs={"x": hgq2rtl.Input("1,59,0", (2,))},
    )
    dice = np.random.default_rng(0)
    rows = [[int(n) for n in row] for row in dice.integers(-(2**59), 2**59, (50, 2))]
    rows[:2] = [[-(2**59), -(2**59)], [2**59 - 1, 2**59 - 1]]
    mantissas, exponents = design.predict(np.array(rows, object), exact=True)
    wanted = [
        [sum(a * w[n] for a, w in zip(row, kernel, strict=True)) + bias[n] for n in range(2)]
        for row in rows
    ]
    got = [[int(m) << int(e) for m, e in zip(row, exponents, strict=True)] for row in mantissas]
    assert got == wanted
    assert design.check(np.array(rows, object)).mismatches == 0


def test_behind_a_model_the_function_sees_its_outputs(digits):
    """Catches logic that is built on something else than the model's result."""

    def after(scores):
        return np.argmax(scores), np.max(scores) - np.min(scores)

    model, both = hgq2rtl.compile(digits), hgq2rtl.compile(digits, after=after)
    x = np.random.default_rng(0).uniform(0, 1, (200, 64))
    scores = model.predict(x)
    place, span = both.predict(x)
    assert np.array_equal(place, scores.argmax(axis=1))
    assert np.array_equal(span, scores.max(axis=1) - scores.min(axis=1))
    assert both.report["model"]["after"] == "after"
    assert [port.name for port in both.program.outputs] == ["output_0", "output_1"]
    with pytest.raises(BadOption) as error:
        both.check(model=digits, samples=10)
    assert str(error.value) == (
        "the design ends in function 'after', which Keras does not know: check it without model, "
        "and the model by itself"
    )


def test_one_output_keeps_the_models_name(digits):
    design = hgq2rtl.compile(digits, after=lambda scores: scores * 2, output_format="1,9,0")
    assert [port.name for port in design.program.outputs] == ["dense_3"]
    formats = [field.format for field in design.program.outputs[0].fields]
    assert max(f.width for f in formats) <= 10 and min(f.exponent for f in formats) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"y": "1,2,3"},
            "inputs 'y' are given for the parameters 'x' of the function: name them alike",
        ),
        (
            ["1,2,3", "1,2,3"],
            "the function takes 1 inputs (x), and formats of 2 are given: give one for each",
        ),
        (
            ["1,2"],
            "input format '1,2': write k,i,f with sign bits, integer bits without sign, and "
            "fraction bits, for example 1,3,4",
        ),
        (
            {"x": hgq2rtl.Input((np.ones(3, int), 2, 2), shape=(4,))},
            "input 'x': formats of shape (3,) do not fit an input of shape (4,)",
        ),
    ],
)
def test_inputs_that_do_not_fit_the_function_are_refused(given, message):
    """Catches a format that goes to another parameter."""
    with pytest.raises(BadOption) as error:
        hgq2rtl.trace(lambda x: x, inputs=given)
    assert str(error.value) == message


def test_what_is_no_array_of_wires_is_refused():
    """Catches a function that returns numbers."""
    with pytest.raises(BadOption) as error:
        hgq2rtl.trace(lambda x: (x, 3), inputs=["1,2,3"])
    assert str(error.value) == (
        "function '<lambda>' gives FixedArray, int: it must give arrays that it computed from its "
        "inputs, one, a tuple of them, or a dict from port name to array"
    )
    with pytest.raises(BadOption) as error:
        hgq2rtl.trace(lambda x: x, inputs=["1,2,3"], output_format={"y": "1,2,3"})
    assert str(error.value) == "the design has no output 'y': it has 'output'"


def test_the_example_runs(capsys):
    """Catches an example that no longer works."""
    runpy.run_path(str(EXAMPLES / "trigger.py"), run_name="__main__")
    assert "accepted, as on floats" in capsys.readouterr().out


# -- the command line ----------------------------------------------------------------


def test_logic_and_functions_come_from_files(digits, tmp_path):
    """Catches a file that is not run, or a name that is not found in it."""
    (tmp_path / "logic.py").write_text(
        "import numpy as np\ndef best(scores):\n    return np.argmax(scores)\n"
    )
    folder = tmp_path / "out"
    after = f"{tmp_path / 'logic.py'}:best"
    done = CliRunner().invoke(
        commands, ["compile", str(digits), "-o", str(folder), "--after", after]
    )
    assert done.exit_code == 0, done.output
    design = hgq2rtl.load(folder)
    assert design.report["model"]["after"] == "best"
    x = np.random.default_rng(0).uniform(0, 1, (50, 64))
    assert np.array_equal(design.predict(x), hgq2rtl.compile(digits).predict(x).argmax(axis=1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logic.py", "'logic.py' names no function: write FILE.py:NAME"),
        ("{folder}/none.py:f", "{folder}/none.py: no such file. Give a Python file."),
        ("{folder}/a.py:g", "{folder}/a.py defines no function 'g': check the name"),
        (
            "{folder}/b.py:g",
            "{folder}/b.py does not run: ZeroDivisionError: division by zero. Try it with python.",
        ),
    ],
)
def test_a_file_without_the_function_is_refused(digits, tmp_path, text, message):
    """Catches an option that is ignored."""
    (tmp_path / "a.py").write_text("f = 1\n")
    (tmp_path / "b.py").write_text("1 / 0\n")
    arguments = ["compile", str(digits), "-o", str(tmp_path / "o")]
    done = CliRunner().invoke(commands, [*arguments, "--after", text.format(folder=tmp_path)])
    assert isinstance(done.exception, BadOption)
    assert str(done.exception) == message.format(folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "def bump(x):\n    return x + 1\n",
        "functions = {'zoo>bump': lambda x: x + 1}\n",
        "def bump(x):\n    return 0\nfunctions = {'zoo>bump': lambda x: x + 1}\n",
    ],
)
def test_a_file_gives_functions_by_full_name_or_by_their_own(tmp_path, text):
    """Catches a file of plain functions that is taken for an empty one."""
    (tmp_path / "f.py").write_text(text)
    found = FileFunctions(tmp_path / "f.py")
    assert found and "zoo>bump" in found and found["zoo>bump"](2) == 3
    assert "zoo>other" not in found and "nothing" not in found


def test_functions_that_are_no_dict_are_refused(tmp_path):
    (tmp_path / "f.py").write_text("functions = [1]\n")
    with pytest.raises(BadOption) as error:
        FileFunctions(tmp_path / "f.py")
    assert str(error.value) == (
        f"{tmp_path}/f.py: 'functions' must be a dict from \"package>name\" to a function"
    )
