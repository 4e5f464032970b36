"""The command line, as a user's scripts rely on it.

Most tests start it as a process of its own; those that only read its messages
call it here, which is faster.
"""

import json
import re

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.cli import main

REPORT_KEYS = (
    "ebops operations adders adder_bits register_bits stages latency_cycles luts top".split()
)
DOCUMENTS = {"ports.json", "report.json", "program.json.gz", "README.md"}
"""What the issue promises beside the folders rtl, sim and synth."""


def everything_below(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def last_line(text):
    return text.rstrip("\n").rpartition("\n")[2]


def one_message(done, exit_code=2):
    """The last line of what a failed command said; it said nothing on standard output."""
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return last_line(done.stderr)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("compile")


@pytest.fixture(scope="module")
def compiled(hgq2rtl_command, digits, place):
    """``hgq2rtl compile digits.keras -o digits --check 500``."""
    done = hgq2rtl_command("compile", digits, "-o", "digits", "--check", "500", cwd=place)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(compiled, place):
    return place / "digits"


@pytest.fixture
def message_of(monkeypatch, capsys, tmp_path):
    """Runs a command that must fail with exit code 2, in this process and an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in arguments])
        told = capsys.readouterr()
        assert (stop.value.code, told.out) == (2, "")
        assert not list(tmp_path.iterdir())
        return told.err

    return run


# -- what a compile prints and writes ---------------------------------------------


def test_the_last_line_says_that_every_bit_is_right(compiled):
    assert last_line(compiled.stdout) == (
        "bit-exact: 500 samples, 0 mismatches (interpreter = Verilator)"
    )


def test_a_table_shows_every_layer_and_a_line_the_latency(compiled, folder):
    report = json.loads((folder / "report.json").read_text())
    rows = {
        line.split("│")[1].strip(): line for line in compiled.stdout.splitlines() if "│" in line
    }
    for layer in report["layers"]:
        shown = [int(cell) for cell in rows[layer["name"]].split("│")[3:-1]]
        keys = ("wires", "adders", "ebops", "luts", "inverters", "carry_positions")
        keys += ("register_bits",)
        assert shown == [round(layer[key]) for key in keys]
    assert {"inputs", "dense_1", "dense_2", "dense_3", "total"} <= set(rows)
    assert (
        f"{report['stages']} stages, latency {report['latency_cycles']} cycles = "
        f"{report['latency_ns']:.2f} ns at 5 ns"
    ) in compiled.stdout


def test_progress_goes_to_standard_error(compiled):
    assert compiled.stderr.splitlines() == [
        "reading the model",
        "lowering to integers",
        "optimising",
        "solving sums",
        "scheduling",
        "emitting Verilog",
        "checking 500 samples under Verilator",
        "writing digits",
    ]


def test_the_folder_holds_what_the_readme_promises(folder):
    there = {path.name for path in folder.iterdir()}
    assert there >= DOCUMENTS | {"rtl", "sim", "synth"}
    assert (folder / "rtl" / "digits.v").is_file()
    assert {path.suffix for path in (folder / "rtl").iterdir()} == {".v"}
    promised = re.findall(
        r"`([\w./]+\.(?:py|tcl|ys|v|json|gz))`", (folder / "README.md").read_text()
    )
    promised += re.findall(r"(?:python|-source|-t) (\S+)", (folder / "README.md").read_text())
    assert len(promised) > 5
    for name in promised:
        assert (folder / name).is_file(), name


def test_the_report_has_every_key_that_scripts_rely_on(folder, digits):
    report = json.loads((folder / "report.json").read_text())
    assert set(REPORT_KEYS) <= set(report)
    for layer in report["layers"]:
        assert {"name", "ebops", "operations", "adders", "adder_bits", "register_bits", "luts"} <= (
            set(layer)
        )
    for key in ("operations", "adders", "adder_bits", "register_bits", "luts"):
        assert report[key] == sum(layer[key] for layer in report["layers"])
    assert report["ebops"] == pytest.approx(sum(layer["ebops"] for layer in report["layers"]))
    assert report["latency_cycles"] == report["stages"] - 1 + 2
    assert report["latency_ns"] == pytest.approx(report["latency_cycles"] * report["clock_ns"])
    assert report["command"][:2] == ["hgq2rtl", "compile"]
    assert re.fullmatch("[0-9a-f]{64}", report["model"]["sha256"])
    assert set(report["versions"]) >= {"python", "amaranth", "numpy"}
    assert report["hgq2rtl"] == hgq2rtl.__version__


def test_ports_json_says_all_that_an_outside_bench_needs(folder):
    ports = json.loads((folder / "ports.json").read_text())
    assert (ports["top"], ports["clock"], ports["initiation_interval"]) == ("digits", "clk", 1)
    assert ports["enable"] is ports["valid_in"] is ports["valid_out"] is ports["reset"] is None
    verilog = (folder / "rtl" / "digits.v").read_text()
    for way, buses in (("input", ports["inputs"]), ("output", ports["outputs"])):
        for bus in buses:
            assert f"{way} [{bus['width'] - 1}:0] {bus['port']};" in verilog
            assert bus["order"] == "C"
            bits = [
                bit
                for element in bus["elements"]
                for bit in range(element["offset"], element["offset"] + element["width"])
            ]
            assert bits == list(range(bus["width"]))
            for n, element in enumerate(bus["elements"]):
                assert np.ravel_multi_index(element["index"], bus["shape"]) == n
                assert element["width"] == element["k"] + element["i"] + element["f"]


def test_nothing_lies_beside_the_folder(compiled, place):
    assert [path.name for path in place.iterdir()] == ["digits"]


def test_json_is_one_object_on_standard_output(hgq2rtl_command, relu, tmp_path):
    options = ["--input-format", "x=1,3,4", "--stages", "2", "--check", "20", "--json"]
    done = hgq2rtl_command("compile", relu, "-o", "out", *options, cwd=tmp_path)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    check = told.pop("check")
    assert (check["samples"], check["mismatches"], check["bench"]) == (20, 0, "cpp")
    assert told == json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["stages"] == 2
    assert "writing out" in done.stderr


# -- folders that are there already --------------------------------------------------


def test_an_earlier_result_is_replaced_only_by_force(hgq2rtl_command, digits, tmp_path):
    def compile_with(*options):
        return hgq2rtl_command("compile", digits, "-o", "out", *options, cwd=tmp_path)

    assert compile_with().returncode == 0
    first = everything_below(tmp_path)
    assert one_message(compile_with("--stages", "1")) == (
        "OutputExists: out holds an earlier result. Add --force to replace it."
    )
    assert everything_below(tmp_path) == first
    (tmp_path / "out" / "rtl" / "left_over.v").write_text("")
    assert compile_with("--stages", "1", "--top", "other", "--force").returncode == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["stages"] == 1
    assert not (tmp_path / "out" / "rtl" / "left_over.v").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_a_foreign_folder_is_never_touched(hgq2rtl_command, digits, tmp_path, options):
    (tmp_path / "thesis" / "rtl").mkdir(parents=True)
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    (tmp_path / "thesis" / "report.json").write_text('{"not": "ours"}')
    before = everything_below(tmp_path)
    done = hgq2rtl_command("compile", digits, "-o", "thesis", *options, cwd=tmp_path)
    assert one_message(done) == (
        "OutputExists: thesis holds files that hgq2rtl did not write. Choose another output folder."
    )
    assert everything_below(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_never_touched(hgq2rtl_command, digits, tmp_path):
    (tmp_path / "out").write_text("mine")
    done = hgq2rtl_command("compile", digits, "-o", "out", "--force", cwd=tmp_path)
    assert one_message(done) == ("OutputExists: out is no folder. Choose another output folder.")
    assert (tmp_path / "out").read_text() == "mine"


# -- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--clock-ns", "5", "--combinational"],
            "BadOption: a combinational core has no clock and no stages: give combinational alone",
        ),
        (
            ["--latency-ns", "50", "--stages", "3"],
            "BadOption: give a latency or a number of stages, not both",
        ),
        (
            ["--combinational", "--valid"],
            "BadOption: a combinational core has no clock, so it has no enable, valid or reset "
            "either: leave these options out",
        ),
        (["--valid-reset"], "BadOption: a reset of valid needs valid: add it"),
        (["--stages", "0"], "BadOption: 0 stages: give 1 to 10000"),
        (["--check", "0"], "BadOption: --check 0: a check needs at least one sample"),
        (
            ["--clock-ns", "nan"],
            "BadOption: a clock of nan ns is no clock: give a number of ns above 0",
        ),
        (
            ["--part", "5CSEMA5F31C6"],
            "BadOption: part '5CSEMA5F31C6': no target family knows it. Parts that begin with "
            "a5d, a5e, agf, agi, agm, levels, lfe5u, xc7a, xc7k, xc7s, xc7v, xc7z, xcau, xck26, "
            "xcku, xcu, xcvc, xcve, xcvh, xcvm, xcvp, xcvu, xczu are known; 'generic' stands for "
            "any family of 6-input LUTs.",
        ),
        (
            ["--input-format", "image=1,3,4"],
            "BadOption: the model has no input 'image': it has 'pixels'",
        ),
        (
            ["--input-format", "8"],
            "BadOption: input format '8': write k,i,f with sign bits, integer bits without sign, "
            "and fraction bits, for example 1,3,4",
        ),
        (
            ["--output-format", "1,3,4,RND,CLIP"],
            "BadOption: output format '1,3,4,RND,CLIP': rounding is one of TRN, RND, RND_CONV, "
            "TRN_ZERO, RND_ZERO, RND_INF, RND_MIN_INF; overflow one of WRAP, SAT, SAT_SYM, WRAP_SM",
        ),
    ],
)
def test_options_that_cannot_be_met(message_of, digits, options, message):
    assert last_line(message_of("compile", digits, "-o", "out", *options)) == message


def test_a_clock_that_no_adder_meets(hgq2rtl_command, digits, tmp_path):
    done = hgq2rtl_command("compile", digits, "-o", "out", "--clock-ns", "0.1", cwd=tmp_path)
    assert re.fullmatch(
        r"ClockTooFast: a clock of 0\.1 ns: \w+ of \d+ bits in dense_\d\[\d+\] alone takes "
        r"(\d\.\d+) ns on xcvu13p-flga2577-2-e\. Ask for a clock of \1 ns or more\.",
        one_message(done),
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["compile"],
        ["compile", "MODEL"],
        ["compile", "MODEL", "-o", "out", "--fast"],
        ["compile", "MODEL", "-o", "out", "--check", "many"],
        ["compile", "MODEL", "-o", "out", "--stages", "2.5"],
        ["check", "out", "--bench", "spice"],
        ["synthesize", "out"],
    ],
    ids=" ".join,
)
def test_bad_usage(message_of, digits, arguments):
    told = message_of(*(digits if word == "MODEL" else word for word in arguments))
    assert told.startswith("Usage: hgq2rtl")


def test_a_model_that_is_not_there(hgq2rtl_command, tmp_path):
    done = hgq2rtl_command("compile", "jet.keras", "-o", "build/jet", cwd=tmp_path)
    assert one_message(done) == ("BadModelFile: jet.keras: no such file. Check the path: jet.keras")
    assert not list(tmp_path.iterdir())


def test_debug_shows_where_an_error_came_from(hgq2rtl_command, tmp_path):
    done = hgq2rtl_command("compile", "jet.keras", "-o", "out", "--debug", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert last_line(done.stderr).endswith(
        "BadModelFile: jet.keras: no such file. Check the path: jet.keras"
    )


def test_version(hgq2rtl_command, tmp_path):
    done = hgq2rtl_command("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"hgq2rtl, version {hgq2rtl.__version__}\n")


# -- check ---------------------------------------------------------------------------


def test_check_with_the_users_own_inputs_tells_what_wraps(hgq2rtl_command, folder, tmp_path):
    x = np.random.default_rng(0).uniform(-3, 3, (200, 64))
    np.save(tmp_path / "x.npy", x)
    done = hgq2rtl_command("check", folder, "--inputs", "x.npy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *shares, verdict = done.stdout.splitlines()
    assert verdict == "bit-exact: 200 samples, 0 mismatches (interpreter = Verilator)"
    assert shares[0].startswith("input pixels: ") and " % of values wrap (" in shares[0]


def test_check_in_json(hgq2rtl_command, folder, tmp_path):
    np.savez(tmp_path / "x.npz", pixels=np.zeros((7, 64)))
    done = hgq2rtl_command("check", folder, "--inputs", "x.npz", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["samples"], told["mismatches"]) == (7, 0)
    assert told["rungs"] == ["interpreter", "Verilator"]
    assert {share["share_of_values"] for share in told["overflow"]} == {0.0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            np.zeros((3, 63)),
            "BadOption: input 'pixels': the floats have shape (3, 63): give (samples, 64)",
        ),
        (np.zeros((0, 64)), "BadOption: a check needs at least one sample"),
        (
            np.full((3, 64), np.inf),
            "NotExact: input 'pixels', sample 0, element 0: inf is not finite in float32. "
            "Give finite numbers.",
        ),
    ],
    ids=["shape", "empty", "infinite"],
)
def test_inputs_that_do_not_fit(hgq2rtl_command, folder, tmp_path, content, message):
    np.save(tmp_path / "x.npy", content)
    done = hgq2rtl_command("check", folder, "--inputs", "x.npy", cwd=tmp_path)
    assert one_message(done) == message


def test_an_inputs_file_with_a_pickle_is_not_opened(hgq2rtl_command, folder, tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], object), allow_pickle=True)
    done = hgq2rtl_command("check", folder, "--inputs", "x.npy", cwd=tmp_path)
    assert one_message(done).startswith("BadInput: x.npy cannot be read as .npy or .npz: ")


def test_check_of_what_is_no_output_folder(hgq2rtl_command, tmp_path):
    assert one_message(hgq2rtl_command("check", "out", cwd=tmp_path)) == (
        "BadInput: out is no output folder of hgq2rtl: it has no report.json. Give the folder that "
        "`hgq2rtl compile` wrote."
    )


# -- info ----------------------------------------------------------------------------


def test_info_shows_layers_without_compiling(hgq2rtl_command, digits, tmp_path):
    done = hgq2rtl_command("info", digits, cwd=tmp_path)
    assert done.returncode == 0
    for words in (["dense_1", "QDense", "2048"], ["dense_3", "QDense", "160"], ["% pruned"]):
        assert any(all(word in line for word in words) for line in done.stdout.splitlines()), words
    assert not list(tmp_path.iterdir())


def test_info_counts_what_wraps_in_data(hgq2rtl_command, digits, tmp_path):
    x = np.zeros((100, 64))
    x[:25, 10] = 100.0
    np.save(tmp_path / "x.npy", x)
    done = hgq2rtl_command("info", digits, "--data", "x.npy", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["ebops"], told["weights"]) == (1797, 2720)
    (port,) = [share for share in told["overflow"] if share["place"] == "input pixels"]
    assert (port["share_of_samples"], port["worst_element"], port["worst_share"]) == (
        0.25,
        10,
        0.25,
    )
    shown = hgq2rtl_command("info", digits, "--data", "x.npy", cwd=tmp_path).stdout
    assert "(25 % of samples; worst: element 10, 25 %)" in shown


# -- opt -----------------------------------------------------------------------------


def test_opt_prints_a_program_of_an_output_folder(hgq2rtl_command, folder, tmp_path):
    done = hgq2rtl_command("opt", folder / "program.json.gz", cwd=tmp_path)
    assert done.returncode == 0
    (tmp_path / "again.txt").write_text(done.stdout)
    again = hgq2rtl_command("opt", "again.txt", cwd=tmp_path)
    assert again.stdout == done.stdout


def test_opt_runs_passes_on_text_and_on_json(hgq2rtl_command, folder, tmp_path):
    lowered = folder / "lowered.json.gz"
    names = [
        line.split()[0]
        for line in hgq2rtl_command("opt", lowered, "--list", cwd=tmp_path).stdout.splitlines()
    ]
    done = hgq2rtl_command("opt", lowered, "-p", ",".join(names), cwd=tmp_path)
    assert done.returncode == 0
    finished = hgq2rtl_command("opt", folder / "program.json.gz", cwd=tmp_path)
    assert done.stdout == finished.stdout
    (tmp_path / "lowered.txt").write_text(hgq2rtl_command("opt", lowered, cwd=tmp_path).stdout)
    stored = hgq2rtl_command(
        "opt", "lowered.txt", "-p", ",".join(names), "-o", "made.json", cwd=tmp_path
    )
    assert (stored.returncode, stored.stdout) == (0, "")
    assert hgq2rtl_command("opt", "made.json", cwd=tmp_path).stdout == finished.stdout


@pytest.mark.parametrize(
    ("text", "passes", "family"),
    [
        ("%0 = input : s8e0\noutput %1\n", "", "BadProgram"),
        ("%0 = inputs : s8e0\n", "", "BadProgram"),
        ("%0 = input : s8e0\noutput %0\n", "fold,unfold", "BadOption"),
    ],
)
def test_opt_refuses(hgq2rtl_command, tmp_path, text, passes, family):
    (tmp_path / "program.txt").write_text(text)
    done = hgq2rtl_command("opt", "program.txt", "-p", passes, cwd=tmp_path)
    assert one_message(done).startswith(f"{family}: ")
