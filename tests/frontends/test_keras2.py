"""Configurations of Keras 2 in the form of Keras 3: calls, ports, options, modules."""

import copy

import pytest

from hgq2rtl.frontends.keras2 import modernized
from hgq2rtl.frontends.topology import read_model

from .archives import call, functional, input_layer, layer, sequential, tensor
from .h5_files import keras2_input, keras2_layer, keras2_model


def modern_layer(**description):
    """One layer of a model, after translation."""
    model = {"class_name": "Functional", "config": {"name": "m", "layers": [description]}}
    [found] = modernized(model)["config"]["layers"]
    return found


def test_a_call_on_one_tensor_and_on_several():
    node = [["a", 0, 1, {}]]
    assert modern_layer(class_name="ReLU", config={}, inbound_nodes=[node])["inbound_nodes"] == [
        call(tensor("a", index=1))
    ]
    node = [["a", 0, 0, {}], ["b", 2, 0, {}]]
    assert modern_layer(class_name="Add", config={}, inbound_nodes=[node])["inbound_nodes"] == [
        call([tensor("a"), tensor("b", node=2)])
    ]


def test_keywords_of_a_call_are_kept():
    node = [["a", 0, 0, {"training": False}]]
    found = modern_layer(class_name="Dropout", config={}, inbound_nodes=[node])
    assert found["inbound_nodes"] == [call(tensor("a"), training=False)]


def test_every_use_of_a_shared_layer_is_kept():
    nodes = [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]
    found = modern_layer(class_name="Dense", config={}, inbound_nodes=nodes)["inbound_nodes"]
    assert found == [call(tensor("a")), call(tensor("b"))]


@pytest.mark.parametrize("node", [[], [["a", 0]], [[0, 0, 0, {}]], "a", None, 3, [{"a": 1}]])
def test_what_is_no_call_stays_for_the_reader_to_refuse(node):
    nodes = [[["a", 0, 0, {}]], node]
    found = modern_layer(class_name="Dense", config={}, inbound_nodes=nodes)["inbound_nodes"]
    assert found[1] == node


def test_shapes_of_inputs_and_of_first_layers():
    shape = {"batch_input_shape": [None, 4]}
    assert modern_layer(class_name="InputLayer", config=shape)["config"] == {
        "batch_shape": [None, 4]
    }
    assert modern_layer(class_name="Dense", config=shape)["config"] == {}


@pytest.mark.parametrize(
    ("class_name", "old", "new"),
    [
        ("LeakyReLU", {"alpha": 0.25}, {"negative_slope": 0.25}),
        ("BatchNormalization", {"axis": [2]}, {"axis": 2}),
        ("BatchNormalization", {"axis": [1, 2]}, {"axis": [1, 2]}),
        ("Concatenate", {"axis": [2]}, {"axis": [2]}),
        ("DepthwiseConv2D", {"groups": 1}, {}),
        ("SeparableConv1D", {"groups": 2}, {"groups": 2}),
        ("Conv2D", {"groups": 1}, {"groups": 1}),
        (
            "Dense",
            {"dtype": {"class_name": "Policy", "config": {"name": "float32"}}},
            {"dtype": {"class_name": "DTypePolicy", "config": {"name": "float32"}}},
        ),
    ],
)
def test_options_that_keras_3_calls_otherwise(class_name, old, new):
    assert modern_layer(class_name=class_name, config=old)["config"] == new


@pytest.mark.parametrize(
    ("given", "module", "class_name", "registered"),
    [
        ({"class_name": "Dense"}, "keras.layers", "Dense", None),
        ({"class_name": "HGQ>HDense"}, "HGQ", "HDense", None),
        ({"class_name": "FixedPointQuantizer"}, "HGQ", "FixedPointQuantizer", None),
        (
            {
                "class_name": "HDense",
                "module": "HGQ.layers.dense",
                "registered_name": "HGQ>HDense",
            },
            "HGQ",
            "HDense",
            None,
        ),
        ({"class_name": "Mine>HDense"}, None, "HDense", "Mine>HDense"),
        ({"class_name": "HDense", "module": "mine"}, "mine", "HDense", None),
        (
            {"class_name": "QDense", "module": "hgq.layers", "registered_name": "hgq>QDense"},
            "hgq.layers",
            "QDense",
            "hgq>QDense",
        ),
    ],
)
def test_where_a_class_comes_from(given, module, class_name, registered):
    found = modern_layer(config={}, **given)
    assert found.get("module") == module
    assert (found["class_name"], found["registered_name"]) == (class_name, registered)


def nested_model(class_name):
    """A model of which another one is a layer, used twice and given out once."""
    inner = keras2_model(keras2_input("x", 4), keras2_layer("ReLU", "r", "x"))["config"]
    inner["name"] = "inner"
    use = [[["in", 0, 0, {}]], [["inner", 1, 0, {}]]]
    block = {"class_name": class_name, "config": inner, "name": "inner", "inbound_nodes": use}
    last = keras2_layer("ReLU", "last")
    last["inbound_nodes"] = [[["inner", 2, 0, {}]]]
    model = keras2_model(keras2_input("in", 4), block, last)
    model["config"]["output_layers"] = [["last", 0, 0], ["inner", 2, 0]]
    return model


@pytest.mark.parametrize("class_name", ["Functional", "Sequential"])
def test_keras_2_counts_the_uses_of_a_model_from_one(class_name):
    found = read_model(modernized(nested_model(class_name)), "net.h5")
    inner, last = found.entries["inner"], found.entries["last"]
    assert [n.inputs[0].node for n in inner.nodes] == [0, 0]
    assert [n.inputs[0].layer for n in inner.nodes] == ["in", "inner"]
    assert last.nodes[0].inputs[0].node == 1
    assert [(o.layer, o.node) for o in found.outputs] == [("last", 0), ("inner", 1)]


def test_what_keras_3_writes_stays():
    inner = functional(
        [input_layer("x", [4]), layer("ReLU", "r", call(tensor("x")))],
        [["x", 0, 0]],
        [["r", 0, 0]],
        name="inner",
    )
    inner = {**inner, "name": "inner", "inbound_nodes": [call(tensor("in"))]}
    layers = [
        input_layer("in", [4]),
        inner,
        layer("QDense", "d", call(tensor("inner")), package="hgq", units=3, axis=[1]),
        layer("Add", "s", call(tensor("d"), tensor("d")), package="ops"),
    ]
    config = functional(layers, ["in", 0, 0], [["s", 0, 0], ["inner", 1, 0]])
    given = copy.deepcopy(config)
    assert modernized(config) == config == given


def test_a_sequential_model_of_keras_3_stays():
    config = {
        **sequential([input_layer("x", [4]), layer("ReLU", "r")]),
        "registered_name": "Sequential",
    }
    assert modernized(config) == config


@pytest.mark.parametrize(
    "config", [None, 3, "x", [], {}, {"config": 3}, {"config": {"layers": 3}}, {"config": []}]
)
def test_what_is_no_model_stays(config):
    assert modernized(config) == config


@pytest.mark.parametrize("entry", [None, 3, [], {}, {"class_name": 3}, {"class_name": "Dense"}])
def test_what_is_no_layer_passes(entry):
    config = {"class_name": "Functional", "config": {"layers": [entry]}}
    [found] = modernized(config)["config"]["layers"]
    if isinstance(entry, dict) and isinstance(entry.get("class_name"), str):
        assert found["class_name"] == "Dense" and found["config"] is None
    else:
        assert found == entry
