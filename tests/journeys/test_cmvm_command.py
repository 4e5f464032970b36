"""``hgq2rtl cmvm``: a file of matrices in, graphs out that anybody can check."""

from __future__ import annotations

import json
import os
import random
import signal

import pytest
from click.testing import CliRunner

from hgq2rtl.cli import commands
from hgq2rtl.cmvm import many
from hgq2rtl.cmvm.solver import solve

BLOCKS = [
    {
        "name": "two by three",
        "K": [[3, -5, 0], [0, 27, 0]],
        "kexp": -4,
        "lo": [-8, 0],
        "hi": [7, 15],
        "lsb": [0, -3],
    },
    {
        "name": "five by four",
        "K": [[13, -7, 1, 0], [9, 111, -64, 3], [-1, -2, -3, -4], [55, 0, 5, 50], [0, 6, 60, 66]],
        "lo": [0, -128, -1, -4, 3],
        "hi": [3, 127, 0, 3, 3],
        "lsb": [2, 0, 5, -1, 0],
    },
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "blocks.json"
    path.write_text(json.dumps(BLOCKS))
    return path


def run(*arguments) -> str:
    done = CliRunner().invoke(commands, ["cmvm", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def solved(*arguments) -> list[dict]:
    return json.loads(run(*arguments, "--json"))


def check(found: list[dict], blocks: list[dict] = BLOCKS) -> None:
    """By the words of the format, with nothing of the package."""
    rng = random.Random(1)
    assert [each["name"] for each in found] == [each["name"] for each in blocks]
    for graph, block in zip(found, blocks, strict=True):
        unit = min(block["lsb"])
        for _ in range(20):
            x = [rng.randint(*ends) for ends in zip(block["lo"], block["hi"], strict=True)]
            inputs = [n << lsb - unit for n, lsb in zip(x, block["lsb"], strict=True)]
            columns = zip(*block["K"], strict=True)
            expected = [sum(k * n for k, n in zip(c, inputs, strict=True)) for c in columns]
            assert outputs(graph, inputs) == expected


def outputs(graph: dict, values: list[int]) -> list[int]:
    values = list(values)
    for a, shift_a, sign_a, b, shift_b, sign_b in graph["nodes"]:
        values.append(sign_a * shifted(values[a], shift_a) + sign_b * shifted(values[b], shift_b))
    return [
        0 if node == -1 else sign * shifted(values[node], shift)
        for node, shift, sign in graph["outputs"]
    ]


def shifted(n: int, shift: int) -> int:
    assert shift >= 0 or n % (1 << -shift) == 0
    return n << shift if shift >= 0 else n >> -shift


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--effort", "fast"),
        ("--effort", "best", "--iterations", 100),
        ("--depth-slack", 2),
        ("--cost", "signed"),
        ("--cost", "signed", "--depth-slack", 3, "--effort", "fast"),
        ("--three-operand",),
        ("--seed", 7),
        ("--iterations", 0),
        ("--iterations", 30, "--seed", 3),
    ],
)
def test_every_option_gives_graphs_of_the_matrices(file, options):
    """Catches a graph that is right in the compiler and wrong on paper."""
    check(solved(file, *options))


def test_published_blocks_are_solved(shared_models):
    """Catches what small matrices do not have."""
    path = shared_models / "cmvm_blocks" / "blocks.json"
    check(solved(path, "--effort", "fast"), json.loads(path.read_text()))


def test_a_table_shows_every_block(file):
    """Catches a block that is lost, and costs of another."""
    text = run(file, "--effort", "fast")
    found = solved(file, "--effort", "fast")
    lines = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    for graph in found:
        [line] = [line for start, line in lines.items() if graph["name"] in line]
        assert f" {len(graph['inputs'])}x{len(graph['outputs'])} " in line
        for key in ("adders", "depth", "row_bits", "inverters", "carry_positions"):
            assert f" {graph[key]} " in line
    assert f" {sum(graph['row_bits'] for graph in found)} " in text


def test_the_same_command_gives_the_same_graphs(file):
    """Catches a build that cannot be repeated; another seed may differ and may not be worse off."""
    assert solved(file, "--iterations", 200) == solved(file, "--iterations", 200)


def test_slack_is_never_worse_and_never_too_deep(file):
    """Catches an option that is ignored."""
    tight, loose = (solved(file, "--effort", "fast", "--depth-slack", s) for s in (0, 2))
    for a, b in zip(tight, loose, strict=True):
        assert b["depth"] <= a["depth"] + 2


def test_an_interrupt_gives_the_best_so_far(file, monkeypatch):
    """A search for hours, interrupted at once; catches work that is thrown away."""

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return solve(*arguments)

    monkeypatch.setattr(many, "solve", interrupted)
    path = file.with_name("one.json")
    path.write_text(json.dumps(BLOCKS[1:]))
    before = signal.getsignal(signal.SIGINT)
    check(solved(path, "--effort", "best", "--iterations", 10**9), BLOCKS[1:])
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_ends_the_command(file, monkeypatch):
    """Catches a command that cannot be ended."""

    def interrupted_twice(matrix, inputs, options, arrivals, should_stop):
        os.kill(os.getpid(), signal.SIGINT)
        while not should_stop():
            pass
        os.kill(os.getpid(), signal.SIGINT)
        return solve(matrix, inputs, options)

    monkeypatch.setattr(many, "solve", interrupted_twice)
    path = file.with_name("one.json")
    path.write_text(json.dumps(BLOCKS[1:]))
    done = CliRunner().invoke(commands, ["cmvm", str(path)])
    assert done.exit_code != 0


# -- files and options that cannot be used ---------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]]", "BadInput: bad.json is no JSON that can be used: Extra data: line 1 column 3"),
        ('[{"name": "a"}]', "BadInput: bad.json: block 0 lacks K, lo, hi, lsb"),
        ("[" * 10**5, "BadInput: bad.json: lists and objects nest deeper than in any block"),
    ],
)
def test_a_bad_file_is_one_message(tmp_path, hgq2rtl_command, text, message):
    """As a user sees it; catches a traceback and an exit code of success."""
    (tmp_path / "bad.json").write_text(text)
    done = hgq2rtl_command("cmvm", "bad.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message) and "Traceback" not in done.stderr


def test_a_missing_file_is_one_message(tmp_path, hgq2rtl_command):
    done = hgq2rtl_command("cmvm", "none.json", "--json", cwd=tmp_path)
    assert done.returncode == 2
    message = "none.json cannot be read: No such file or directory"
    assert done.stderr == f"BadInput: {message}\n"
    assert json.loads(done.stdout) == {"error": {"type": "BadInput", "message": message}}


@pytest.mark.parametrize(
    "options",
    [
        ("--depth-slack", "-1"),
        ("--effort", "all"),
        ("--cost", "gates"),
        ("--seed", "x"),
        ("--iterations", "-3"),
        ("--cost", "signed", "--three-operand"),
    ],
)
def test_a_bad_option_is_refused(file, options):
    """Catches a value that is taken for another."""
    assert CliRunner().invoke(commands, ["cmvm", str(file), *options]).exit_code != 0


def test_json_is_printed_alone(file, hgq2rtl_command):
    """Catches progress on standard output; and the command as it is installed."""
    done = hgq2rtl_command("cmvm", file, "--effort", "fast", "--json", cwd=file.parent)
    assert (done.returncode, done.stderr) == (0, "")
    check(json.loads(done.stdout))
