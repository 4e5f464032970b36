"""Files of blocks: read strictly, solved, and written so that they can be checked."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import composite, integers

from hgq2rtl.cmvm.blocks import FILE_BYTES, Block, parse_blocks, read_blocks, solve_blocks
from hgq2rtl.cmvm.cache import is_sound
from hgq2rtl.cmvm.options import Cost, Options
from hgq2rtl.cmvm.problem import Task
from hgq2rtl.errors import BadInput, BadOption

FAST = Options("fast")
ONE = {
    "name": "one",
    "model": "of nobody",
    "n_in": 2,
    "n_out": 3,
    "kexp": -5,
    "uses": 7,
    "K": [[3, 0, -1], [5, 0, 64]],
    "lo": [-8, 0],
    "hi": [7, 15],
    "lsb": [-2, 1],
}


def evaluated(found: dict, x: list[int]) -> list[int]:
    """The outputs for integers x_i in units of the lowest lsb, from the JSON alone."""
    lowest = min((each["lsb"] for each in found["inputs"]), default=0)
    values = [n << each["lsb"] - lowest for n, each in zip(x, found["inputs"], strict=True)]
    for a, shift_a, sign_a, b, shift_b, sign_b in found["nodes"]:
        values.append(sign_a * shifted(values[a], shift_a) + sign_b * shifted(values[b], shift_b))
    return [
        0 if node == -1 else sign * shifted(values[node], shift)
        for node, shift, sign in found["outputs"]
    ]


def shifted(n: int, shift: int) -> int:
    assert shift >= 0 or n % (1 << -shift) == 0, "a shift drops bits"
    return n << shift if shift >= 0 else n >> -shift


def check(found: dict, block: Block, samples: int = 5) -> None:
    """Against K by its definition, with random integers and corners."""
    rng = random.Random(0)
    lowest = min(block.lsb, default=0)
    corners = [[lo for lo, _ in block.inputs], [hi for _, hi in block.inputs]]
    for x in corners + [[rng.randint(*ends) for ends in block.inputs] for _ in range(samples)]:
        expected = [
            sum(
                weight * n * 2 ** (lsb - lowest)
                for weight, n, lsb in zip(column, x, block.lsb, strict=True)
            )
            for column in block.matrix.T.tolist()
        ]
        assert evaluated(found, x) == expected


@composite
def blocks(draw):
    """Units far apart, any signs, zero rows and columns, constant inputs."""
    rng = random.Random(draw(integers(0, 2**32 - 1)))
    n_in, n_out = rng.randint(1, 7), rng.randint(1, 7)
    bits = rng.choice([1, 4, 8, 70])
    K = [
        [rng.choice((0, 1, -1)) * rng.getrandbits(bits) for _ in range(n_out)] for _ in range(n_in)
    ]
    lo = [-rng.getrandbits(8) for _ in range(n_in)]
    return {
        "name": f"random {n_in}x{n_out}",
        "K": K,
        "lo": lo,
        "hi": [each + rng.choice((0, 1, 9, 200)) for each in lo],
        "lsb": [rng.choice((0, 1, -3, 40)) for _ in range(n_in)],
    }


@settings(derandomize=True, deadline=None, max_examples=60)
@given(data=blocks(), slack=integers(0, 3))
def test_what_is_written_is_the_block(data, slack):
    """Catches a shift that forgets the units of its inputs, and a column out of order."""
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    solved = block.solve(Options("fast", depth_slack=slack))
    found = json.loads(json.dumps(solved.to_json()))
    check(found, block)
    assert found["name"] == data["name"]
    assert found["inputs"] == [
        {"lo": lo, "hi": hi, "lsb": lsb}
        for lo, hi, lsb in zip(data["lo"], data["hi"], data["lsb"], strict=True)
    ]
    assert found["adders"] == len(found["nodes"])
    assert found["depth"] == depth(found)


def depth(found: dict) -> int:
    """Adders on the longest way to an output."""
    levels = [0] * len(found["inputs"])
    for a, _, _, b, _, _ in found["nodes"]:
        levels.append(1 + max(levels[a], levels[b]))
    return max((levels[node] for node, _, _ in found["outputs"] if node != -1), default=0)


def test_the_json_has_the_keys_of_its_format():
    """Catches a key that is lost or new: other people's programs read this."""
    [block] = parse_blocks(json.dumps([ONE]).encode(), "a test")
    keys = "name inputs nodes outputs depth adders row_bits inverters carry_positions"
    assert list(block.solve(FAST).to_json()) == keys.split()


def test_units_of_inputs_are_in_the_shifts():
    """By hand, x0 + 8 x1 in units of x0; catches shifts in units of each input."""
    data = ONE | {"K": [[1, 0], [1, -3]], "n_out": 2, "lsb": [-2, 1], "lo": [0, 0]}
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    found = block.solve(FAST).to_json()
    assert evaluated(found, [1, 0]) == [1, 0]
    assert evaluated(found, [0, 1]) == [8, -24]
    assert evaluated(found, [5, 3]) == [29, -72]


def test_an_output_that_is_an_input_counts_from_the_lowest_unit():
    """Catches an output of an input that is shifted twice."""
    data = ONE | {"K": [[0], [4]], "n_out": 1}
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    assert block.solve(FAST).to_json()["outputs"] == [[1, 2, 1]]


def test_fused_sums_are_named():
    """Costs of rows of three operands cannot be checked without: catches their loss."""
    data = ONE | {"K": [[1]] * 9, "lo": [0] * 9, "hi": [15] * 9, "lsb": [0] * 9}
    del data["n_in"], data["n_out"]
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    options = Options("fast", Cost(has_three_operand_rows=True), depth_slack=2)
    solved = block.solve(options)
    found = solved.to_json()
    assert found["fused"] == list(solved.graph.fused) and found["fused"]
    check(found, block)
    assert found["row_bits"] < block.solve(FAST).to_json()["row_bits"]


def test_three_operands_have_no_signed_price():
    """Catches an option that is ignored."""
    [block] = parse_blocks(json.dumps([ONE]).encode(), "a test")
    with pytest.raises(BadOption) as error:
        solve_blocks([block], Options("fast", Cost("signed", has_three_operand_rows=True)))
    assert str(error.value) == (
        "three-operand rows have a price under the cost 'rows' only: choose one"
    )


def test_the_costs_are_those_of_the_graph():
    """By hand: 5x of 4 bits, x at [0, 4) and at [2, 6), and 3x - 16y with its inverters."""
    data = ONE | {"K": [[5], [0]], "lo": [0, 0], "hi": [15, 15], "lsb": [0, 0], "n_out": 1}
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    solved = block.solve(FAST)
    assert (solved.rows.luts, solved.rows.inverters) == (2, 0)
    assert solved.signed.luts == 5  # 75 has 7 bits, the lowest two are wires


@pytest.mark.parametrize("cost", [Cost(), Cost("signed"), Cost(has_three_operand_rows=True)])
def test_trained_blocks_are_read_and_solved(shared_models, cost):
    """The published ones; catches what random ones do not have, such as a whole column of
    negative weights without a level to spare."""
    found = read_blocks(shared_models / "cmvm_blocks" / "blocks.json")
    assert len(found) == 27
    small = [block for block in found if block.matrix.size < 700]
    for block, solved in zip(small, solve_blocks(small, Options("fast", cost)), strict=True):
        check(solved.to_json(), block, samples=2)
        assert is_sound(solved.graph, Task(block.problem, Options("fast", cost)))


def test_numbers_have_no_limit_of_the_machine():
    """Catches int64 between the file and the graph."""
    data = ONE | {"K": [[2**90 + 1], [-(3**50)]], "n_out": 1, "lo": [0, -(2**80)]}
    data |= {"hi": [2**100, 2**80]}
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    check(block.solve(FAST).to_json(), block)


# -- files that cannot be used ------------------------------------------------------------


def refused(text: str | bytes) -> str:
    with pytest.raises(BadInput) as error:
        parse_blocks(text if isinstance(text, bytes) else text.encode(), "b.json")
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"K": [[1, 2, 3]]}, "b.json: block 0 (one): n_in is 2, but K has 1"),
        ({"n_out": 4}, "b.json: block 0 (one): n_out is 4, but K has 3"),
        ({"n_out": True}, "b.json: block 0 (one): n_out is True, but K has 3"),
        (
            {"K": [[1, 2, 3], [4, 5]]},
            "b.json: block 0 (one): row 1 of K has 2 numbers instead of 3",
        ),
        (
            {"K": [[1, 2, 3], [4, 5.0, 6]]},
            "b.json: block 0 (one): row 1 of K must be a list of integers",
        ),
        (
            {"K": [[1, 2, True], [4, 5, 6]]},
            "b.json: block 0 (one): row 0 of K must be a list of integers",
        ),
        (
            {"K": [1, 2]},
            "b.json: block 0 (one): K must be a list of rows, each a list of integers",
        ),
        ({"lo": [1]}, "b.json: block 0 (one): lo has 1 numbers instead of 2"),
        ({"hi": 3}, "b.json: block 0 (one): hi must be a list of integers"),
        ({"hi": [7, -1]}, "b.json: block 0 (one): the interval of input 1 is empty, as lo > hi"),
        (
            {"lsb": [2**512] * 2},
            "b.json: block 0 (one): lsb holds an integer of more than 512 bits",
        ),
        (
            {"hi": [7, 2**512]},
            "b.json: block 0 (one): hi holds an integer of more than 512 bits",
        ),
        ({"name": ""}, "b.json: block 0: its name must be a text of 1 to 200 printable characters"),
        (
            {"name": "\x1b[2J"},
            "b.json: block 0: its name must be a text of 1 to 200 printable characters",
        ),
        ({"name": 3}, "b.json: block 0: its name must be a text of 1 to 200 printable characters"),
    ],
)
def test_a_block_that_contradicts_itself_is_named(change, message):
    """Catches a guess where the file is ambiguous, and an unclear message."""
    assert refused(json.dumps([ONE | change])) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "b.json must hold a list of at most 10000 blocks (see docs/cmvm.md)"),
        ("3", "b.json must hold a list of at most 10000 blocks (see docs/cmvm.md)"),
        (
            "[" + "3," * 10_000 + "3]",
            "b.json must hold a list of at most 10000 blocks (see docs/cmvm.md)",
        ),
        ("[3]", "b.json: block 0 must be an object with name, K, lo, hi and lsb"),
        ('[{"name": "a", "K": []}]', "b.json: block 0 lacks lo, hi, lsb"),
        (
            "[" * 100_000,
            "b.json: lists and objects nest deeper than in any block",
        ),
        (
            '[{"K": 1, "K": 2}]',
            "b.json is no JSON that can be used: the key 'K' is given twice, so its value is "
            "ambiguous",
        ),
        (
            "[" + "9" * 161 + "]",
            "b.json is no JSON that can be used: an integer of 161 digits is larger than any of a "
            "circuit",
        ),
    ],
)
def test_text_that_is_no_list_of_blocks_is_refused(text, message):
    """Catches a traceback, and the last of two equal keys."""
    assert refused(text) == message


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[", b"[NaN]", b"[{}]"])
def test_other_damage_is_one_message(text):
    assert refused(text).startswith("b.json")


def test_two_blocks_of_one_name_are_refused():
    """Results are found by name: catches one that hides the other."""
    assert refused(json.dumps([ONE, ONE])) == ("b.json: two blocks are called 'one'. Rename one.")


def test_a_matrix_larger_than_any_circuit_is_refused():
    """Catches hours of work for nothing."""
    wide = {"K": [[0] * (2**20 + 1)], "lo": [0], "hi": [1], "lsb": [0], "name": "wide"}
    assert refused(json.dumps([wide])) == (
        "b.json: block 0 (wide): 1 x 1048577 weights are more than any circuit holds; the limit "
        "is 1048576"
    )


def test_units_too_far_apart_are_refused():
    """Catches weights of a million bits."""
    assert refused(json.dumps([ONE | {"lsb": [-300, 300]}])) == (
        "b.json: block 0 (one): its lsb lie more than 512 bits apart"
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Catches a traceback for a wrong path."""
    with pytest.raises(BadInput) as error:
        read_blocks(tmp_path / "none.json")
    assert str(error.value) == f"{tmp_path / 'none.json'} cannot be read: No such file or directory"


def test_a_file_of_any_length_is_not_read_to_its_end(tmp_path):
    """Catches a machine out of memory."""
    path = tmp_path / "long.json"
    with path.open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    with pytest.raises(BadInput) as error:
        read_blocks(path)
    assert str(error.value) == (
        f"{path}: more than 32 MiB are more than any file of blocks. Split it."
    )


@pytest.mark.parametrize("K", [[], [[], []], [[0, 0], [0, 0]]])
def test_blocks_of_nothing_are_solved(K):
    """Catches the least of no units."""
    n = len(K)
    data = {"name": "none", "K": K, "lo": [0] * n, "hi": [1] * n, "lsb": [0] * n}
    [block] = parse_blocks(json.dumps([data]).encode(), "a test")
    found = block.solve(FAST).to_json()
    assert found["nodes"] == [] and found["depth"] == found["row_bits"] == 0
    assert found["outputs"] == [[-1, 0, 1]] * (len(K[0]) if K else 0)


def test_a_matrix_given_in_python_is_not_changed():
    """Catches units that are folded into the caller's array."""
    matrix = np.array([[1, 2], [3, 4]], object)
    block = Block("mine", matrix, ((0, 3), (0, 3)), (0, 2))
    block.solve(FAST)
    assert matrix.tolist() == [[1, 2], [3, 4]]
