"""A netlist that is wrong in one place: ``hgq2rtl check`` must see it and say where.

Each test damages the Verilog of a written folder as a bug of the emission, or a
careless hand, would.
"""

import json
import re
import shutil

import pytest

import hgq2rtl


@pytest.fixture(scope="module")
def sound(digits, tmp_path_factory):
    """With six stages there are registers inside layers and between them."""
    folder = tmp_path_factory.mktemp("sound") / "digits"
    return hgq2rtl.compile(digits, stages=6, primitives=False).write(folder)


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "digits")


def damage(file, pattern, replacement):
    """Change the middle one of the places in `file` where `pattern` is."""
    text = file.read_text()
    places = list(re.finditer(pattern, text))
    place = places[len(places) // 2]
    changed = place.expand(replacement)
    assert changed != place[0]
    file.write_text(text[: place.start()] + changed + text[place.end() :])
    return place


def registers(file):
    """Names of a module's registers, and those of them that it hands to other layers."""
    text = file.read_text()
    inside = re.findall(r"^  reg (?:\[[\d:]+\] )?(\w+)", text, re.MULTILINE)
    handed = re.findall(r"^  output (?:\[[\d:]+\] )?(\w+);", text, re.MULTILINE)
    return [name for name in inside if name not in handed], [n for n in inside if n in handed]


def bypass(file, register):
    """The register becomes a wire."""
    damage(file, rf"always @\(posedge clk\)\n(\s+{register}) <= ", r"always @*\n\1 = ")


def mismatch(done):
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "Traceback" not in done.stderr
    message = done.stderr.splitlines()[-1]
    assert message.startswith("Mismatch: ")
    return message


@pytest.mark.parametrize("bench", ["cpp", "cocotb"])
def test_a_wrong_operator_is_found_in_its_layer(hgq2rtl_command, folder, tmp_path, bench):
    damage(folder / "rtl" / "digits__dense_2.v", r"(assign dense_2_\w+ = [^;+]*) \+ ", r"\1 - ")
    done = hgq2rtl_command("check", "digits", "--samples", "400", "--bench", bench, cwd=tmp_path)
    found = re.search(
        r"(\d+) (?:of 400 )?samples differ.* The first layer that differs is dense_2 \(QDense\), "
        r"sample (\d+): (dense_2_\w+) should be (-?\d+) and is (-?\d+)\.",
        mismatch(done),
    )
    assert found, done.stderr
    assert 0 < int(found[1]) <= 400 and int(found[2]) < 400
    assert found[4] != found[5]
    signal = found[3]
    assert re.search(rf"\b{signal}\b", (folder / "rtl" / "digits__dense_2.v").read_text())


@pytest.mark.slow
def test_the_sample_that_is_named_is_the_first_that_differs(digits, folder):
    damage(folder / "rtl" / "digits__dense_3.v", r"(assign dense_3_\w+ = [^;+]*) \+ ", r"\1 - ")
    broken, right = hgq2rtl.load(folder), hgq2rtl.compile(digits)
    (x,) = hgq2rtl.verify.float_stimulus(broken.program, 500)
    wrong = (broken.simulate(x) != right.predict(x)).any(axis=1)
    assert wrong.any()
    with pytest.raises(hgq2rtl.errors.Mismatch) as caught:
        broken.check(x)
    message = str(caught.value)
    assert message.startswith(
        f"{wrong.sum()} of 500 samples differ between interpreter and Verilog"
    )
    assert f"dense_3 (QDense), sample {wrong.argmax()}: " in message
    assert f"of sample {wrong.argmax()} should be " in message


@pytest.mark.parametrize(
    "is_handed_on",
    [
        pytest.param(False, id="inside"),
        pytest.param(True, id="between layers", marks=pytest.mark.slow),
    ],
)
def test_a_missing_register_is_found_in_its_layer(hgq2rtl_command, folder, tmp_path, is_handed_on):
    file = folder / "rtl" / "digits__dense_2.v"
    names = registers(file)[is_handed_on]
    bypass(file, names[len(names) // 2])
    done = hgq2rtl_command("check", "digits", "--samples", "2000", cwd=tmp_path)
    assert "The first layer that differs is dense_2 (QDense), sample " in mismatch(done)


OUTPUT = r"always @\(posedge clk\)\n(\s+)(dense_3) <= ([^;]+);"


@pytest.mark.parametrize(
    ("replacement", "cycles"),
    [
        pytest.param(
            r"reg [WIDTH-1:0] late;\n  always @(posedge clk) begin late <= \3; \2 <= late; end",
            8,
            id="late",
        ),
        pytest.param(r"always @*\n\1\2 = \3;", 6, id="early", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_latency_is_called_one(hgq2rtl_command, folder, tmp_path, replacement, cycles):
    width = json.loads((folder / "ports.json").read_text())["outputs"][0]["width"]
    damage(folder / "rtl" / "digits.v", OUTPUT, replacement.replace("WIDTH", str(width)))
    done = hgq2rtl_command("check", "digits", "--samples", "2000", cwd=tmp_path)
    assert mismatch(done) == (
        f"Mismatch: digits: results arrive after {cycles} cycles "
        "(ports.json says latency_cycles = 7)."
    )


def test_a_netlist_that_is_no_verilog(hgq2rtl_command, folder, tmp_path):
    damage(folder / "rtl" / "digits__dense_1.v", r"endmodule", "endmodul")
    done = hgq2rtl_command("check", "digits", "--samples", "10", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ToolFailed: verilator could not build the bench" in done.stderr
    assert "Traceback" not in done.stderr


def test_ports_of_another_design(hgq2rtl_command, folder, tmp_path):
    ports = folder / "ports.json"
    ports.write_text(ports.read_text().replace('"latency_cycles": 7', '"latency_cycles": 6'))
    done = hgq2rtl_command("check", "digits", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "BadProgram: digits: ports.json and program.json.gz do not belong together.\n"
    )
