"""The Python face: every stage of the way by one call, and back from the folder."""

import gc
import gzip
import hashlib
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import BadInput, BadOption, NeedsInputFormat, NotExact, UnsupportedFormat

from .trained import ZOO, needs_models, zoo_inputs_and_outputs


def pixels(samples=300, seed=0):
    """In range, and far outside where the port wraps."""
    dice = np.random.default_rng(seed)
    x = dice.uniform(0, 1, (samples, 64))
    x[samples // 2 :] *= 50
    return x


@pytest.fixture(scope="module")
def design(digits):
    return hgq2rtl.compile(digits)


# -- from file to folder and back ----------------------------------------------------


def test_every_stage_of_the_way_is_visible(design):
    assert [call.layer.name for call in design.graph.calls] == ["dense_1", "dense_2", "dense_3"]
    assert [layer.name for layer in design.program.layers][:2] == ["inputs", "dense_1"]
    assert design.latency.cycles == design.schedule.latency_cycles == design.schedule.stages + 1
    assert design.latency.ns == design.latency.cycles * 5
    assert design.report["latency_cycles"] == design.latency.cycles
    shown = str(design)
    assert all(layer.name in shown for layer in design.program.layers)
    assert shown.endswith(design.summary)


def test_written_loaded_simulated_and_checked(design, tmp_path):
    folder = design.write(tmp_path / "build" / "digits")
    again = hgq2rtl.load(folder)
    assert again.graph is None
    assert again.report == design.report
    assert again.rtl.files == design.rtl.files
    assert again.schedule.stage.tolist() == design.schedule.stage.tolist()
    x = pixels()
    predicted = design.predict(x)
    assert (predicted.shape, predicted.dtype) == ((300, 10), np.float64)
    assert np.array_equal(again.predict(x), predicted)
    assert np.array_equal(again.simulate(x), predicted)
    assert str(again.check(x)) == "bit-exact: 300 samples, 0 mismatches (interpreter = Verilator)"
    assert again.check(samples=70).samples == 70
    assert [vars(s) for s in again.overflow(x)] == [vars(s) for s in design.overflow(x)]


def test_exact_gives_integers_and_where_their_binary_point_lies(design):
    x = pixels()
    mantissas, exponents = design.predict(x, exact=True)
    assert (mantissas.dtype, mantissas.shape, exponents.shape) == (np.int64, (300, 10), (10,))
    assert np.array_equal(np.ldexp(mantissas.astype(float), exponents), design.predict(x))


def test_no_sample_gives_no_result(design):
    assert design.predict(np.zeros((0, 64))).shape == (0, 10)


def test_a_folder_is_not_overwritten_unless_forced(design, tmp_path):
    folder = design.write(tmp_path / "out")
    with pytest.raises(BadInput, match="holds an earlier result"):
        design.write(folder)
    assert design.write(folder, force=True) == folder
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_loading_after_compiling_warns_of_nothing(design, tmp_path):
    folder = design.write(tmp_path / "out")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hgq2rtl.load(folder)
        gc.collect()
    assert [str(each.message) for each in caught] == []


def test_a_design_in_a_shell_is_a_few_lines(design):
    assert len(repr(design)) < 5000


def _cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def _other_version(path):
    stored = json.loads(gzip.decompress(path.read_bytes()))
    path.write_bytes(gzip.compress(json.dumps(stored | {"version": 10**6}).encode()))


@pytest.mark.parametrize("name", ["program.json.gz", "lowered.json.gz", "schedule.json.gz"])
@pytest.mark.parametrize("damage", [_cut, _other_version])
def test_a_damaged_folder_is_refused(design, tmp_path, name, damage):
    folder = design.write(tmp_path / "out")
    damage(folder / name)
    with pytest.raises(BadInput) as caught:
        hgq2rtl.load(folder)
    assert str(folder) in str(caught.value) or name in str(caught.value)


# -- several inputs and outputs ----------------------------------------------------------


@needs_models
def test_several_inputs_and_outputs(tmp_path):
    x, y = zoo_inputs_and_outputs("graph_multi_io")
    design = hgq2rtl.compile(ZOO / "graph_multi_io.keras")
    names = [port.name for port in design.program.inputs]
    for given in (x, tuple(x), dict(zip(names, x, strict=True))):
        made = design.predict(given)
        assert [each.shape for each in made] == [each.shape for each in y]
        assert all(map(np.array_equal, made, y))
    assert all(map(np.array_equal, design.simulate(x), y))
    exact = design.predict(x, exact=True)
    assert all(map(np.array_equal, [np.ldexp(m.astype(float), e) for m, e in exact], y))
    np.savez(tmp_path / "x.npz", **dict(zip(names, x, strict=True)))
    assert design.check(dict(zip(names, x, strict=True))).samples == len(x[0])


@needs_models
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:1], "the model has 2 inputs and 1 were given"),
        (lambda x: [x[0], x[1][:5]], "the inputs have 5 and 256 samples: give as many of each"),
        (lambda x: {"input_layer": x[0]}, "inputs input_layer_1 are missing"),
        (
            lambda x: [x[0], x[1].reshape(-1, 6)],
            "input 'input_layer_1': the floats have shape (256, 6): give (samples, 3, 2)",
        ),
    ],
    ids=["one", "lengths", "names", "shape"],
)
def test_inputs_that_do_not_belong_to_the_model(change, message):
    x, _ = zoo_inputs_and_outputs("graph_multi_io")
    design = hgq2rtl.compile(ZOO / "graph_multi_io.keras")
    with pytest.raises(BadOption) as caught:
        design.predict(change(x))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.zeros((3, 63)),
            "input 'pixels': the floats have shape (3, 63): give (samples, 64)",
        ),
        (np.zeros(64), "input 'pixels': the floats have shape (64,): give (samples, 64)"),
        (np.full((1, 64), "0"), "input 'pixels': give floats, not <U1"),
        (
            np.full((1, 64), np.nan),
            "input 'pixels', sample 0, element 0: nan is not finite in float32. "
            "Give finite numbers.",
        ),
        (
            np.where(np.arange(128).reshape(2, 64) == 100, 1e39, 0.0),
            "input 'pixels', sample 1, element 36: 1e+39 is not finite in float32. "
            "Give finite numbers.",
        ),
    ],
    ids=["width", "one sample", "text", "nan", "beyond float32"],
)
def test_numbers_that_no_port_takes(design, x, message):
    for face in (design.predict, design.simulate):
        with pytest.raises((BadOption, NotExact)) as caught:
            face(x)
        assert str(caught.value) == message


# -- formats of the ports ----------------------------------------------------------------


def test_an_input_that_nothing_quantizes_needs_a_format(relu):
    with pytest.raises(NeedsInputFormat, match="--input-format k,i,f"):
        hgq2rtl.compile(relu)


@pytest.mark.parametrize("wish", ["1,3,4", (1, 3, 4), {"x": "1,3,4"}, {"": [1, 3, 4]}])
def test_a_format_fixes_the_port(relu, wish):
    design = hgq2rtl.compile(relu, input_format=wish)
    assert [field.kif for field in design.program.inputs[0].fields] == [(1, 3, 4)] * 2
    x = np.array([[-8.0, 7.9375], [0.0625, -0.0625]])
    assert design.predict(x).tolist() == [[0.0, 7.9375], [0.0625, 0.0]]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            0.01,
            "input 'x', sample 0, element 1: 0.01 is no multiple of 2**-4, and the port takes only "
            "numbers that s8e-4 holds exactly. Round them first.",
        ),
        (
            8.0,
            "input 'x', sample 0, element 1: 8.0 is outside [-128, 127] * 2**-4, and the port "
            "takes only numbers that s8e-4 holds exactly. Clip them first.",
        ),
    ],
)
def test_a_fixed_port_takes_only_numbers_that_fit(relu, number, message):
    design = hgq2rtl.compile(relu, input_format="1,3,4")
    with pytest.raises(NotExact) as caught:
        design.predict(np.array([[0.0, number]]))
    assert str(caught.value) == message


def test_an_output_wider_than_a_float64(relu):
    design = hgq2rtl.compile(relu, input_format="1,30,30")
    with pytest.raises(BadOption) as caught:
        design.predict(np.ones((1, 2)))
    assert str(caught.value) == (
        "output 'cut', element 0: float64 does not hold u60e-30. Ask for exact=True: "
        "integer mantissas and exponents."
    )
    x = np.array([[2.0**29 + 2.0**-20, -1.0], [2.0**-30, 3.0]])
    for face in (design.predict, design.simulate):
        mantissas, exponents = face(x, exact=True)
        assert mantissas.tolist() == [[2**59 + 2**10, 0], [1, 3 * 2**30]]
        assert exponents.tolist() == [-30, -30]
    assert design.check(samples=200).samples == 200


def test_an_input_format_makes_hardware_of_the_first_quantizers(design, digits):
    fixed = hgq2rtl.compile(digits, input_format="0,6,5", combinational=True)
    assert fixed.report["input_bits"] == 64 * 11
    x = np.round(pixels() * 32) / 32
    assert np.array_equal(fixed.predict(x), design.predict(x))


def test_an_output_format_rounds_and_saturates(design, digits):
    narrow = hgq2rtl.compile(digits, output_format="1,3,0,RND,SAT", stages=1)
    assert [field.kif for field in narrow.program.outputs[0].fields] == [(1, 3, 0)] * 10
    x = pixels()
    wanted = np.clip(np.floor(design.predict(x) + 0.5), -8, 7)
    assert np.array_equal(narrow.predict(x), wanted)


def test_a_port_that_the_model_does_not_have(digits):
    with pytest.raises(BadOption) as caught:
        hgq2rtl.compile(digits, output_format={"softmax": (1, 3, 0)})
    assert str(caught.value) == "the model has no output 'softmax': it has 'dense_3'"


# -- pipelines ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "registers"),
    [
        ({}, 2),
        ({"input_register": False}, 1),
        ({"output_register": False}, 1),
        ({"input_register": False, "output_register": False}, 0),
    ],
)
@pytest.mark.parametrize("stages", [1, 3])
def test_latency_is_stages_less_one_and_the_port_registers(relu, stages, options, registers):
    design = hgq2rtl.compile(relu, input_format="1,3,4", stages=stages, **options)
    assert design.schedule.stages == stages
    assert design.latency.cycles == stages - 1 + registers


@pytest.mark.slow
def test_more_stages_than_a_chain_of_adders_needs(digits):
    design = hgq2rtl.compile(digits, stages=40, input_register=False)
    assert (design.schedule.stages, design.latency.cycles) == (40, 40)
    assert design.check(pixels(100)).mismatches == 0


def test_combinational(design, digits):
    logic = hgq2rtl.compile(digits, combinational=True)
    assert logic.latency.cycles == 0 and logic.latency.ns > 5
    assert logic.report["register_bits"] == 0
    assert "clk" not in logic.rtl.files["digits.v"]
    x = pixels()
    assert np.array_equal(logic.simulate(x), design.predict(x))


CONTROLS = {"stages": 3, "clock_enable": True, "valid": True, "valid_reset": True}


def assert_has_every_control_port_and_is_right(design, bench):
    head = design.rtl.files[f"{design.rtl.top}.v"]
    for port in ("input clk;", "input en;", "input rst;", "input valid_in;", "output valid_out;"):
        assert port in head
    result = design.check(samples=300, bench=bench)
    assert (result.samples, result.bench, result.mismatches) == (300, bench, 0)


@pytest.mark.parametrize("bench", ["cpp", "cocotb"])
def test_a_core_with_every_control_port(relu, bench):
    design = hgq2rtl.compile(relu, input_format="1,3,4", **CONTROLS)
    assert_has_every_control_port_and_is_right(design, bench)


@pytest.mark.slow
@pytest.mark.parametrize("bench", ["cpp", "cocotb"])
def test_a_network_with_every_control_port(digits, bench):
    assert_has_every_control_port_and_is_right(hgq2rtl.compile(digits, **CONTROLS), bench)


# -- live models -------------------------------------------------------------------------


def verilog_hash(design):
    return hashlib.sha256(json.dumps(design.rtl.files).encode()).hexdigest()


LIVE = """
import hashlib, json, sys
try:
    import hgq, keras
except ImportError as problem:
    sys.exit(f"not installed: {problem}")
import hgq2rtl
model = keras.models.load_model(sys.argv[1], compile=False)
design = hgq2rtl.compile(model, top="digits")
print(hashlib.sha256(json.dumps(design.rtl.files).encode()).hexdigest())
"""


def test_a_live_model_gives_the_verilog_of_its_file(design, digits, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    done = subprocess.run(
        [sys.executable, "-c", LIVE, digits],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    if done.stderr.startswith("not installed"):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == verilog_hash(design)


def test_what_is_no_model():
    with pytest.raises(UnsupportedFormat) as caught:
        hgq2rtl.compile(42)
    assert str(caught.value) == (
        "an object of type int is no Keras model. Give a built Functional or Sequential model, "
        "or the path of a model file."
    )
