"""The zoo of small models and the files made to break readers.

A supported case must not only be read: its records, evaluated by
:mod:`.evaluate`, give every output that Keras gave, bit for bit.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import hgq2rtl.errors
from hgq2rtl.errors import Hgq2rtlError, UnsupportedLayer
from hgq2rtl.frontends import read

from .evaluate import MEANINGS, evaluate

ZOO = Path(__file__).resolve().parents[3] / "shared" / "models" / "zoo"
TRAINED = ZOO.parent / "hgq2"

needs_models = pytest.mark.skipif(
    not ZOO.is_dir(), reason="the models of ../shared/models are not there"
)


def index(folder):
    path = folder / "index.json"
    return json.loads(path.read_text()) if path.exists() else []


CASES = [case["name"] for case in index(ZOO) if not case["name"].startswith("v1_")]
BAD = [case for case in index(ZOO / "bad") if case["kind"] not in ("v1", "qkeras", "qonnx")]
LATER = {
    "config_average_of_three.keras": "whether a quantizer follows is the lowering's to know",
    "config_no_input_quantizer.keras": "whether an input has a format is the lowering's to know",
    "config_table_40_bits.keras": "how wide a table is depends on what reaches it",
}
READ = (
    "InputLayer Functional Sequential QDense QEinsumDense QEinsumDenseBatchnorm "
    "QBatchNormalization Quantizer ReLU Activation Flatten Reshape Permute Concatenate QAdd "
    "Dropout GaussianNoise GetItem"
).split()


@needs_models
@pytest.mark.parametrize("name", CASES)
def test_a_case_is_read_exactly_or_refused_by_class(name):
    try:
        graph = read(ZOO / f"{name}.keras")
    except UnsupportedLayer as error:
        assert f"in {name}.keras: " in str(error)
        pytest.skip(str(error))
    beyond = {call.layer.class_name for call in graph.calls} - set(MEANINGS)
    if beyond:
        pytest.skip(f"compared behind the lowering only: {', '.join(sorted(beyond))}")
    data = np.load(ZOO / f"{name}.npz")
    outputs = evaluate(graph, [data[f"x{n}"] for n in range(len(graph.inputs))])
    for n, output in enumerate(outputs):
        assert np.array_equal(output, data[f"y{n}"])


@needs_models
def test_every_case_of_known_classes_is_read():
    wanted = [
        case["name"]
        for case in index(ZOO)
        if not case["name"].startswith("v1_")
        and {*case["layers"], *case["operations"]} <= set(READ)
    ]
    assert len(wanted) > 40
    for name in wanted:
        assert read(ZOO / f"{name}.keras").calls


@needs_models
@pytest.mark.parametrize("case", BAD, ids=[case["file"] for case in BAD])
def test_a_file_made_to_break_readers(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        found = "ok" if read(ZOO / "bad" / case["file"]) else ""
    except Hgq2rtlError as error:
        found = type(error).__name__
        assert str(error).isprintable()
        assert case["file"] in str(error)
    assert not list(tmp_path.iterdir())
    if case["file"] in LATER:
        pytest.skip(LATER[case["file"]])
    assert found in case["accept"]
    assert found == "ok" or issubclass(getattr(hgq2rtl.errors, found), Hgq2rtlError)


@needs_models
@pytest.mark.parametrize("path", sorted(TRAINED.glob("jsc_[oc]*/*.keras")), ids=lambda p: p.stem)
def test_trained_networks_hold_the_ebops_of_their_names(path):
    graph = read(path)
    ebops = sum(call.layer.config["stored_ebops"] for call in graph.calls)
    assert f"ebops{ebops}" == path.stem
    overflows = {call.layer.quantizers["bias"][0].overflow for call in graph.calls}
    assert overflows == {"NONE"}  # these files call their biases weights, so they never wrap
