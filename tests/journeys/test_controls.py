"""What `check` sees of control ports, and what the command line says to scripts."""

import json
import shutil

import pytest

import hgq2rtl
from hgq2rtl.errors import BadOption, Mismatch


def test_a_register_that_ignores_the_enable_is_found(digits):
    """Catches a check that holds the enable at 1 throughout."""
    design = hgq2rtl.compile(digits, clock_enable=True)
    name = "digits.v"
    text = design.rtl.files[name]
    inside = text.replace(".en(en)", ".en(1'b1)")
    assert inside != text
    design.rtl.files[name] = inside
    with pytest.raises(Mismatch):
        design.check(samples=500)


def test_random_pauses_leave_no_trace(digits):
    """Catches a reset that goes on while the core stands still, and a valid too early.

    `check` runs a core with controls once more with random enables and bubbles.
    """
    design = hgq2rtl.compile(digits, stages=6, clock_enable=True, valid=True, valid_reset=True)
    assert design.schedule.resets.any()
    assert "if (en)\n      if (" in "".join(design.rtl.files.values())
    assert design.check(samples=1000).mismatches == 0


@pytest.mark.parametrize("top", ["my-core", "module", "pixels", "3d", "a" * 60])
def test_a_top_that_cannot_be_had_is_refused_with_one_that_can(digits, top):
    """Catches a module that is silently called otherwise."""
    with pytest.raises(BadOption, match=r"is no free Verilog name here: use '\w+'"):
        hgq2rtl.compile(digits, top=top)


def test_an_error_is_one_json_object_too(hgq2rtl_command, tmp_path):
    done = hgq2rtl_command("compile", "nothing.keras", "-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "BadModelFile"
    assert "BadModelFile: nothing.keras: no such file." in done.stderr


def test_another_model_is_not_taken_for_the_compiled_one(digits, tmp_path):
    """Catches a retrained file that looks like a compiler's mistake."""
    other = shutil.copy(digits, tmp_path / "other.keras")
    with open(other, "ab") as file:
        file.write(b" ")
    with pytest.raises(BadOption, match="is not the file that was compiled"):
        hgq2rtl.compile(digits).check(samples=10, model=other)


def test_passes_are_listed_without_a_file(hgq2rtl_command, tmp_path):
    done = hgq2rtl_command("opt", "--list", cwd=tmp_path)
    assert done.returncode == 0
    assert "solve-linear" in done.stdout


def test_info_takes_a_format_for_an_input_that_nothing_quantizes(relu):
    report = hgq2rtl.info(relu, [[0.5, -0.25], [1.0, 3.0]], input_format="1,3,4")
    assert report["overflow"] == []
