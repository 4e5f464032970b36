"""Whole models in one HDF5 file: only text and plain numbers are read, and only from inside."""

import json

import h5py
import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, Hgq2rtlError, TooLarge, UnsupportedLayer
from hgq2rtl.frontends import limits, read

from .h5_files import (
    formats,
    keras2_input,
    keras2_layer,
    keras2_model,
    quantizer_options,
    write_h5,
)

ADVICE = "The file is damaged or was edited; save the model again."
MODEL = keras2_model(
    keras2_input("x", 2), keras2_layer("FixedPointQuantizer", "q", "x", **quantizer_options(2))
)
WEIGHTS = {"q": formats((1, 4, 2), (0, 3, 3))}


def graph_of(path, config=MODEL, weights=WEIGHTS, change=None):
    return read(write_h5(path / "net.h5", config, weights, change))


def refused(path, kind=BadModelFile, **parts):
    with pytest.raises(Hgq2rtlError) as caught:
        graph_of(path, **parts)
    assert type(caught.value) is kind
    return str(caught.value)


def stored(graph):
    """k, i, f of the first quantizer."""
    q = graph.calls[0].layer.quantizers["input"][0]
    return q.k.tolist(), q.i.tolist(), q.f.tolist()


def test_a_model_is_read(tmp_path):
    graph = graph_of(tmp_path)
    assert graph.name == "model" and graph.source == "net.h5"
    assert graph.origin == "HGQ v1 file (Keras 2.15.0)"
    assert [port.name for port in graph.inputs + graph.outputs] == ["x", "q"]
    assert stored(graph) == ([1, 0], [1, 3], [2, 0])


@pytest.mark.parametrize("name", ["net.h5", "net.H5", "net.hdf5"])
def test_the_suffix_may_be_spelled_otherwise(tmp_path, name):
    assert read(write_h5(tmp_path / name, MODEL, WEIGHTS)).source == name


def test_a_file_that_says_nothing_of_its_writer(tmp_path):
    def change(file):
        del file.attrs["keras_version"]

    assert graph_of(tmp_path, change=change).origin == "HGQ v1 file"


def test_text_may_be_stored_as_bytes_of_fixed_length(tmp_path):
    def change(file):
        file.attrs["model_config"] = np.bytes_(json.dumps(MODEL).encode())
        names = [name for name, _ in WEIGHTS["q"]]
        file["model_weights/q"].attrs["weight_names"] = np.array(names, "S20")

    assert stored(graph_of(tmp_path, change=change)) == ([1, 0], [1, 3], [2, 0])


def test_variables_are_found_by_name_whatever_their_order(tmp_path):
    assert stored(graph_of(tmp_path, weights={"q": WEIGHTS["q"][::-1]})) == (
        [1, 0],
        [1, 3],
        [2, 0],
    )


def test_variables_with_other_names_are_taken_in_order(tmp_path):
    renamed = [(f"q/v{n}", value) for n, (_, value) in enumerate(WEIGHTS["q"])]
    assert stored(graph_of(tmp_path, weights={"q": renamed})) == ([1, 0], [1, 3], [2, 0])


def nested(*names):
    """Two quantizers in a model within the model, and what their variables are called."""
    inner = keras2_model(
        keras2_input("y", 2),
        keras2_layer("FixedPointQuantizer", "a", "y", **quantizer_options(2)),
        keras2_layer("FixedPointQuantizer", "b", "a", **quantizer_options(2)),
    )
    inner["config"]["name"] = "inner"
    block = {**inner, "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]]}
    model = keras2_model(keras2_input("x", 2), block)
    model["config"]["output_layers"] = [["inner", 1, 0]]
    variables = [*formats((1, 4, 2), (0, 3, 3)), *formats((1, 9, 5), (1, 8, 4))]
    called = [f"{prefix}{name}" for prefix, (name, _) in zip(names, variables, strict=True)]
    values = [value for _, value in variables]
    return model, {"inner": list(zip(called, values, strict=True))}


def test_variables_of_a_nested_model_are_told_apart_by_its_layers(tmp_path):
    model, weights = nested(*["a/"] * 3, *["b/"] * 3)
    graph = graph_of(tmp_path, model, weights)
    assert stored(graph) == ([1, 0], [1, 3], [2, 0])
    assert graph.calls[1].layer.quantizers["input"][0].f.tolist() == [4, 4]


def test_variables_of_a_nested_model_without_a_layer_are_refused(tmp_path):
    model, weights = nested(*["a/"] * 3, *["c/"] * 3)
    assert refused(tmp_path, config=model, weights=weights) == (
        "inner/b (FixedPointQuantizer) in net.h5: model_weights/inner (b) holds 0 variables where "
        f"the layer's options call for 3 (keep_negative, bits, integers). {ADVICE}"
    )


def test_weights_without_a_model(tmp_path):
    def change(file):
        del file.attrs["model_config"]

    assert refused(tmp_path, change=change) == (
        "net.h5: the file holds no model_config, so it holds weights without their model. "
        "Save the whole model with model.save('name.h5')."
    )


def test_a_file_that_is_no_hdf5(tmp_path):
    path = tmp_path / "net.h5"
    for content in (b"", b"hello", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(BadModelFile) as caught:
            read(path)
        assert str(caught.value) == (
            "net.h5: the file is no HDF5 file or is damaged. "
            "Copy the file again or save the model again."
        )


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = write_h5(tmp_path / "whole.h5", MODEL, WEIGHTS).read_bytes()
    for end in range(0, len(whole), 97):
        path = tmp_path / "net.h5"
        path.write_bytes(whole[:end])
        with pytest.raises(BadModelFile):
            read(path)


def test_a_damaged_file_raises_no_other_error(tmp_path):
    """Every 53rd byte is turned over; a file that still says the same may be read."""
    whole = write_h5(tmp_path / "whole.h5", MODEL, WEIGHTS).read_bytes()
    path, outcomes = tmp_path / "net.h5", set()
    for at in range(0, len(whole), 53):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read(path)
            outcomes.add("read")
        except Hgq2rtlError as error:
            outcomes.add("refused")
            assert str(error).startswith(("net.h5: ", "q (", "x ("))
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "net.h5: model_config: Expecting property name"),
        ('{"a": 1, "a": 2}', "net.h5: model_config: the key 'a' is given twice"),
        ("[" * 5000, "net.h5: model_config: lists and objects nest deeper than in any model."),
        ("[]", "net.h5: config.json describes no model."),
    ],
)
def test_a_configuration_that_is_none(tmp_path, text, message):
    assert refused(tmp_path, config=text).startswith(message)


def test_a_configuration_that_is_no_text(tmp_path):
    def change(file):
        file.attrs["model_config"] = np.zeros(3)

    assert refused(tmp_path, change=change) == (
        f"net.h5: the attribute model_config cannot be read (it is no text). {ADVICE}"
    )


def test_a_configuration_of_several_texts(tmp_path):
    def change(file):
        file.attrs["model_config"] = ["{}", "{}"]

    assert refused(tmp_path, change=change) == (
        f"net.h5: the attribute model_config is no text. {ADVICE}"
    )


def test_a_configuration_that_is_not_utf8(tmp_path):
    def change(file):
        file.attrs["model_config"] = np.bytes_(b'{"a": "\xff"}')

    assert refused(tmp_path, change=change).startswith(
        "net.h5: model_config: the text is not UTF-8 at byte 7."
    )


def test_a_configuration_larger_than_any_models(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CONFIG_BYTES", 2**20)
    assert refused(tmp_path, TooLarge, config=" " * (2**20 + 1)) == (
        "net.h5: the attribute model_config is larger than 1 MiB, more than a network for one "
        "circuit needs. Save a smaller model."
    )


def test_a_file_larger_than_any_model(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "ARCHIVE_BYTES", 2**12)
    assert refused(tmp_path, TooLarge) == (
        "net.h5: the file is larger than 0 MiB, more than a network for one circuit needs. "
        "Save a smaller model, without its optimizer's state."
    )


def test_another_number_of_variables(tmp_path):
    assert refused(tmp_path, weights={"q": WEIGHTS["q"][:2]}) == (
        "q (FixedPointQuantizer) in net.h5: model_weights/q (q) holds 2 variables where the "
        f"layer's options call for 3 (keep_negative, bits, integers). {ADVICE}"
    )


def test_a_layer_without_a_group(tmp_path):
    assert refused(tmp_path, weights={}) == (
        f"q (FixedPointQuantizer) in net.h5: model_weights is missing from the weights. {ADVICE}"
    )


@pytest.mark.parametrize("value", [None, "keep_negative:0"])
def test_a_layer_that_does_not_list_its_variables(tmp_path, value):
    def change(file):
        attributes = file["model_weights/q"].attrs
        del attributes["weight_names"]
        if value is not None:
            attributes["weight_names"] = value

    assert refused(tmp_path, change=change) == (
        f"q (FixedPointQuantizer) in net.h5: model_weights/q does not list its variables. {ADVICE}"
    )


@pytest.mark.parametrize("name", [".", "..", "/", "", "a//b", "../q/bits:0", "\udc80", "none:0"])
def test_a_name_that_leads_nowhere(tmp_path, name):
    def change(file):
        names = ["keep_negative:0", "bits:0", name.encode(errors="surrogateescape")]
        names = [n if isinstance(n, bytes) else n.encode() for n in names]
        file["model_weights/q"].attrs["weight_names"] = np.array(names, "S20")

    assert refused(tmp_path, change=change).startswith("q (FixedPointQuantizer) in net.h5: ")


def test_links_to_other_places_are_not_followed(tmp_path):
    (tmp_path / "other.h5").write_bytes(write_h5(tmp_path / "o.h5", MODEL, WEIGHTS).read_bytes())
    for link in (h5py.SoftLink("/model_weights/q/bits:0"), h5py.ExternalLink("other.h5", "/x")):

        def change(file, link=link):
            del file["model_weights/q/integers:0"]
            file["model_weights/q/integers:0"] = link

        assert refused(tmp_path, change=change) == (
            "q (FixedPointQuantizer) in net.h5: model_weights/q/integers:0 is a link to another "
            f"place or file, which is never followed. {ADVICE}"
        )


def test_a_variable_of_another_shape(tmp_path):
    def change(file):
        del file["model_weights/q/bits:0"]
        file["model_weights/q/bits:0"] = np.zeros((1, 3), np.int8)

    assert refused(tmp_path, change=change) == (
        "q (FixedPointQuantizer) in net.h5: model_weights/q/bits:0 (bits) has shape (1, 3) where "
        f"(1, 2) belongs. {ADVICE}"
    )


def test_variables_of_inner_objects_are_not_told_apart(tmp_path):
    quantizer = {"class_name": "QuantizerConfig", "config": {}}
    model = keras2_model(
        keras2_input("x", 2), keras2_layer("Quantizer", "q", "x", config=quantizer)
    )
    model["config"]["layers"][1].update(module="hgq.quantizer", registered_name="hgq>Quantizer")
    assert refused(tmp_path, UnsupportedLayer, config=model) == (
        "q (Quantizer) in net.h5: config: the layer keeps variables that a .h5 file does not tell "
        "apart. Save the model with model.save('name.keras')."
    )
