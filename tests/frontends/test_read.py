"""Reading a file: what the records say, and what a user is told who gives a wrong path."""

import subprocess
import sys

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedFormat, UnsupportedLayer
from hgq2rtl.frontends import read
from hgq2rtl.frontends.graph import MinifloatQuantizer

from .archives import Parts, minifloat, quantizer, two_dense


@pytest.fixture
def graph(tmp_path):
    return read(two_dense().write(tmp_path / "net.keras"))


def test_a_graph_names_its_model_file_and_writer(graph):
    assert (graph.name, graph.source) == ("model", "net.keras")
    assert graph.origin == "HGQ2 archive (Keras 3.15.1)"


def test_calls_chain_tensors_whose_shapes_have_no_batch(graph):
    assert [port.name for port in graph.inputs] == ["x"]
    assert [port.name for port in graph.outputs] == ["d1"]
    assert [(c.layer.name, c.inputs, c.outputs) for c in graph.calls] == [
        ("d0", (0,), (1,)),
        ("d1", (1,), (2,)),
    ]
    assert graph.shapes == [(4,), (3,), (2,)]


def test_a_layer_has_checked_options_arrays_and_stored_ebops(graph):
    layer = graph.calls[0].layer
    assert layer.class_name == "QDense"
    assert layer.config == {
        "units": 3,
        "activation": "relu",
        "use_bias": True,
        "stored_ebops": 17,
    }
    assert {name: a.shape for name, a in layer.arrays.items()} == {"kernel": (4, 3), "bias": (3,)}
    assert graph.where(layer) == "d0 (QDense) in net.keras"


def test_quantizers_lose_the_batch_axis_of_data_only(graph):
    quantizers = graph.calls[0].layer.quantizers
    assert {place: q[0].k.shape for place, q in quantizers.items()} == {
        "input": (4,),
        "kernel": (4, 3),
        "bias": (3,),
    }
    assert [(q[0].rounding, q[0].overflow) for q in quantizers.values()] == [
        ("RND", "WRAP"),
        ("RND", "SAT_SYM"),
        ("RND", "WRAP"),
    ]
    assert quantizers["kernel"][0].f.tolist() == [[3] * 3] * 4  # f = b - i


def test_layers_without_quantizers_have_no_place_for_them(tmp_path):
    parts = two_dense()
    parts.options("d1")["enable_iq"] = False
    del parts.weights["layers/q_dense_1/iq/quantizer/vars"]
    layer = read(parts.write(tmp_path / "net.keras")).calls[1].layer
    assert sorted(layer.quantizers) == ["bias", "kernel"]


def test_an_output_quantizer_is_read_where_enabled(tmp_path):
    parts = two_dense()
    parts.options("d1").update(enable_oq=True, oq_conf=quantizer("kif", "datalane"))
    stored = [np.full((1, 2), 5.5, np.float32), np.ones((1, 2), np.uint8), np.ones((1, 2)), 0.01]
    parts.weights["layers/q_dense_1/oq/quantizer/vars"] = stored
    (q,) = read(parts.write(tmp_path / "net.keras")).calls[1].layer.quantizers["output"]
    assert q.f.tolist() == [6, 6]  # 5.5 half to even


def test_numbers_are_float32_whatever_the_file_holds(tmp_path):
    parts = two_dense()
    kernel = parts.weights["layers/q_dense/vars"][0].astype(np.float64) + 1e-12
    parts.weights["layers/q_dense/vars"][0] = kernel
    read_kernel = read(parts.write(tmp_path / "net.keras")).calls[0].layer.arrays["kernel"]
    assert read_kernel.dtype == np.float32
    assert np.array_equal(read_kernel, kernel.astype(np.float32))


FLOAT64 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float64"}}


@pytest.mark.parametrize("policy", ["float64", FLOAT64])
def test_a_float64_layer_keeps_float64(tmp_path, policy):
    parts = two_dense()
    parts.options("d0")["dtype"] = policy
    kernel = parts.weights["layers/q_dense/vars"][0].astype(np.float64) + 1e-12
    parts.weights["layers/q_dense/vars"][0] = kernel
    first, second = (call.layer for call in read(parts.write(tmp_path / "net.keras")).calls)
    assert (first.float_type, second.float_type) == ("float64", "float32")
    assert first.arrays["kernel"].dtype == np.float64
    assert np.array_equal(first.arrays["kernel"], kernel)


def test_what_float64_holds_may_be_infinite_in_float32(tmp_path):
    parts = two_dense()
    parts.weights["layers/q_dense/vars"][1] = np.array([1e39, 0, 0])
    assert message(BadModelFile, parts.write(tmp_path / "net.keras")) == (
        "d0 (QDense) in net.keras: bias holds 1e+39, which is infinite in the float32 that the "
        "layer computes in. Train again or restore an earlier checkpoint."
    )
    parts.options("d0")["dtype"] = "float64"
    layer = read(parts.write(tmp_path / "net.keras")).calls[0].layer
    assert layer.arrays["bias"].tolist() == [1e39, 0, 0]


def test_a_minifloat_kernel_is_read(tmp_path):
    parts = two_dense()
    parts.options("d0")["kq_conf"] = quantizer("float", "weight", m0=2, e0=4, e00=0)
    parts.weights["layers/q_dense/kq/quantizer/vars"] = minifloat((4, 3), m=2, e=3, e0=-1)
    (q,) = read(parts.write(tmp_path / "net.keras")).calls[0].layer.quantizers["kernel"]
    assert isinstance(q, MinifloatQuantizer)
    assert (q.shape, q.m[0, 0], q.e[0, 0], q.e0[0, 0]) == ((4, 3), 2, 3, -1)


def test_what_keras_would_import_is_ignored(tmp_path):
    parts = two_dense()
    evil = {"module": "builtins", "class_name": "exec", "config": {"source": "raise SystemExit"}}
    parts.options("d0").update(kernel_regularizer=evil, bias_constraint=evil, beta0=evil)
    assert len(read(parts.write(tmp_path / "net.keras")).calls) == 2


def test_reading_imports_no_framework():
    code = (
        "import sys, hgq2rtl.frontends;"
        "print([m for m in ('keras', 'jax', 'tensorflow', 'torch', 'hgq') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


def message(kind, path):
    with pytest.raises(kind) as caught:
        read(path)
    return str(caught.value)


def test_a_missing_file_is_said_to_be_missing_whatever_its_kind(tmp_path):
    path = tmp_path / "net.h5"
    assert message(BadModelFile, path) == f"net.h5: no such file. Check the path: {path}"


def test_a_folder_is_no_model_file(tmp_path):
    (tmp_path / "net.keras").mkdir()
    assert message(BadModelFile, tmp_path / "net.keras") == (
        "net.keras: this is no file but a folder or device. Give a model file."
    )


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    path = tmp_path / "net.keras"
    path.touch()
    assert message(BadModelFile, path) == ("net.keras: the file is empty. Save the model again.")


@pytest.mark.parametrize("suffix", ["json", "JSON", "onnx"])
def test_formats_of_later_frontends_are_named(tmp_path, suffix):
    path = tmp_path / f"net.{suffix}"
    path.write_bytes(b"x")
    assert message(UnsupportedFormat, path).startswith(f"net.{suffix}: ")


def test_an_archive_is_known_by_its_content(tmp_path):
    assert read(two_dense().write(tmp_path / "net.zip")).source == "net.zip"
    (tmp_path / "net.txt").write_text("hello")
    assert message(UnsupportedFormat, tmp_path / "net.txt") == (
        "net.txt: this is no kind of model file known here. "
        "Give an HGQ2 model saved with model.save('name.keras')."
    )


@pytest.mark.parametrize("content", [b"hello there", b"\x80\x04\x95pickle", b"PK\x03\x04cut"])
def test_a_keras_file_that_is_no_zip_is_refused(tmp_path, content):
    path = tmp_path / "net.keras"
    path.write_bytes(content)
    assert message(BadModelFile, path) == (
        "net.keras: this is no zip archive, or its end is missing. A .keras file is a zip "
        "written by model.save; copy it again or save the model again."
    )


def test_an_hdf5_file_named_keras_is_told_apart(tmp_path):
    path = tmp_path / "net.keras"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert message(BadModelFile, path).startswith("net.keras: this is an HDF5 file named .keras.")


def test_a_file_name_cannot_break_a_message(tmp_path):
    path = tmp_path / ("a\nb" + "c" * 80)
    path.write_text("?")
    first = message(UnsupportedFormat, path).partition(":")[0]
    assert first == "a\\nb" + "c" * 54 + "..."


def test_a_model_that_is_no_graph_is_refused(tmp_path):
    parts = Parts({"class_name": "MyModel", "config": {}, "registered_name": "mine>MyModel"})
    path = parts.write(tmp_path / "net.keras")
    assert message(UnsupportedLayer, path) == (
        "net.keras: the model is of class 'MyModel', whose Python code says what it computes. "
        "Build it as a Functional or Sequential model."
    )
