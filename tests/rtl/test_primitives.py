"""Who gets cells of primitives: the part says, unless the user does."""

from __future__ import annotations

import json

import pytest

import hgq2rtl


def weighted(a, b, c):
    return {"y": 3 * a - 5 * b + 7 * c, "z": a + 9 * c - 20}


def cells(design: hgq2rtl.Design) -> set[str]:
    return {
        name.split("__cell__")[1].removesuffix(".v")
        for name in design.rtl.files
        if "__cell__" in name
    }


@pytest.mark.parametrize(
    ("options", "has_primitives"),
    [
        ({}, True),
        ({"part": "xc7a35tcpg236-1"}, True),
        ({"part": "generic"}, False),
        ({"part": "generic", "primitives": True}, True),
        ({"primitives": False}, False),
    ],
)
def test_the_part_decides_unless_the_user_does(options, has_primitives):
    design = hgq2rtl.trace(weighted, ["1,4,0"] * 3, effort="fast", **options)
    assert {"chain", "row"} <= cells(design) if has_primitives else not cells(design)
    assert design.report["options"]["has_primitives"] == has_primitives


@pytest.mark.parametrize("primitives", [True, False])
def test_a_written_folder_is_read_and_checked(primitives, tmp_path):
    """Catches a file of a cell that is not written, or not read back."""
    design = hgq2rtl.trace(weighted, ["1,4,0"] * 3, effort="fast", primitives=primitives)
    folder = design.write(tmp_path / "out")
    assert sorted(file.name for file in (folder / "rtl").iterdir()) == sorted(design.rtl.files)
    again = hgq2rtl.load(folder)
    assert cells(again) == cells(design)
    assert again.check(samples=300).mismatches == 0
    assert (
        json.loads((folder / "report.json").read_text())["options"]["has_primitives"] == primitives
    )
