"""Tables for the terminal: every figure of the report, and names that harm nobody."""

import io

import pytest
from rich.console import Console

from hgq2rtl.report import info_table, layer_table
from hgq2rtl.report.tables import plain


def shown(table, width=110):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table)
    return console.file.getvalue()


REPORT = {
    "top": "jet",
    "wires": 30,
    "adders": 3,
    "adder_bits": 20,
    "ebops": 17.4,
    "luts": 22,
    "inverters": 5,
    "carry_positions": 31,
    "register_bits": 40,
    "layers": [
        {
            "name": "[bold]dense\n1[/]",
            "class": "QDense",
            "wires": 30,
            "adders": 3,
            "adder_bits": 20,
            "ebops": 17.4,
            "luts": 22,
            "inverters": 5,
            "carry_positions": 31,
            "register_bits": 40,
        }
    ],
}


def test_layers_and_the_total():
    text = shown(layer_table(REPORT))
    cells = [
        [c.strip() for c in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line
    ]
    assert cells == [
        ["[bold]dense?1[/]", "QDense", "30", "3", "17", "22", "5", "31", "40"],
        ["total", "", "30", "3", "17", "22", "5", "31", "40"],
    ]


def test_a_narrow_terminal_folds_and_cuts_nothing():
    text = shown(layer_table(REPORT), width=60)
    assert "…" not in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dense_1", "dense_1"),
        ("a\x1b[31mb\x07", "a?[31mb?"),
        ("x" * 41, "x" * 37 + "..."),
        ("\u202etxt", "?txt"),
        ("größe", "größe"),
    ],
)
def test_names_in_a_terminal(name, text):
    assert plain(name) == text


def test_what_info_shows():
    formats = {
        "input": [{"bits": [2, 5], "rounding": "RND", "overflow": "WRAP", "zero": 3}],
        "kernel": [{"bits": None, "rounding": "RND", "overflow": "SAT_SYM", "zero": 4}],
    }
    layer = {"name": "d", "class": "QDense", "shape": [2, 3], "formats": formats, "ebops": 7.0}
    layer |= {"weights": 12, "weights_kept": 9}
    info = {"model": "m.keras", "origin": "HGQ2", "layers": [layer], "ebops": 7.0}
    text = shown(info_table(info | {"pruned_share": 0.25}))
    for words in ("m.keras  (HGQ2)", "2 x 3", "2..5 RND/WRAP, 3 at 0", "0..0 RND/SAT_SYM, 4 at 0"):
        assert words in text
    assert "9 / 12" in text and "25.0 % pruned" in text
