"""Who calls whom: nested, shared and chained layers, and references that lead nowhere."""

import time

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, TooLarge, UnsupportedLayer
from hgq2rtl.frontends import limits, read
from hgq2rtl.frontends.topology import snake_case

from .archives import (
    Parts,
    call,
    chain,
    dense_weights,
    functional,
    input_layer,
    kbi_sat,
    kbi_wrap,
    kif_wrap,
    layer,
    nested,
    q_dense,
    sequential,
    tensor,
    two_dense,
)


def graph(tmp_path, config, weights=None):
    return read(Parts(config, weights or {}).write(tmp_path / "net.keras"))


def refused(tmp_path, config, kind=BadModelFile, weights=None):
    with pytest.raises(kind) as caught:
        graph(tmp_path, config, weights)
    return str(caught.value)


def relu(name, *calls):
    return layer("ReLU", name, *calls)


def calls_of(found):
    return [(c.layer.name, c.inputs, c.outputs) for c in found.calls]


def test_a_sequential_model_is_a_chain(tmp_path):
    layers = [input_layer("x", [4]), q_dense("d0", 3), relu("r")]
    found = graph(tmp_path, sequential(layers), dense_weights("layers/q_dense", 4, 3))
    assert calls_of(found) == [("d0", (0,), (1,)), ("r", (1,), (2,))]
    assert (found.inputs[0].name, found.outputs[0].name) == ("x", "r")


def test_a_sequential_model_without_input_layer_has_the_shape_it_was_built_for(tmp_path):
    model = sequential([relu("input_layer")], build_input_shape=[None, 4])
    found = graph(tmp_path, model)
    assert found.shapes == [(4,), (4,)]
    assert found.inputs[0].name == "input_layer_"
    refused(tmp_path, sequential([relu("r")]))


def test_a_nested_model_becomes_its_calls_and_a_shared_one_shares_its_layers(tmp_path):
    dense = q_dense("d", 3)
    dense["inbound_nodes"] = [call(tensor("x"))]
    inner = functional(
        [input_layer("x", [3]), dense, relu("r", call(tensor("d")))],
        ["x", 0, 0],
        [["d", 0, 0], ["r", 0, 0]],
        name="block",
    )
    model = functional(
        [
            input_layer("x", [3]),
            nested(inner, call(tensor("x")), call(tensor("block", index=1))),
        ],
        ["x", 0, 0],
        [["block", 2, 0], ["block", 2, 1]],  # ports count the uses of a Functional from 1
    )
    found = graph(tmp_path, model, dense_weights("layers/functional/layers/q_dense", 3, 3))
    assert calls_of(found) == [
        ("block/d", (0,), (1,)),
        ("block/r", (1,), (2,)),
        ("block/d", (2,), (3,)),
        ("block/r", (3,), (4,)),
    ]
    assert found.calls[0].layer is found.calls[2].layer
    assert [(port.name, port.tensor) for port in found.outputs] == [("block", 3), ("block_1", 4)]


def test_a_nested_sequential_model_is_stored_below_its_class(tmp_path):
    inner = sequential([input_layer("x", [4]), q_dense("d", 3)], name="s")
    model = functional(
        [input_layer("x", [4]), nested(inner, call(tensor("x")))], ["x", 0, 0], ["s", 0, 0]
    )
    found = graph(tmp_path, model, dense_weights("layers/sequential/layers/q_dense", 4, 3))
    assert calls_of(found) == [("s/d", (0,), (1,))]


def test_a_layer_object_in_two_models_is_stored_once(tmp_path):
    inner = functional(
        [input_layer("x", [3]), q_dense("d", 3)], ["x", 0, 0], ["d", 0, 0], name="block"
    )
    inner["config"]["layers"][1].update(inbound_nodes=[call(tensor("x"))], shared_object_id=7)
    outer = q_dense("d", 3)
    outer.update(inbound_nodes=[call(tensor("x"))], shared_object_id=7)
    model = functional(
        [input_layer("x", [3]), outer, nested(inner, call(tensor("d")))],
        ["x", 0, 0],
        ["block", 1, 0],
    )
    found = graph(tmp_path, model, dense_weights("layers/q_dense", 3, 3))
    kernels = [c.layer.arrays["kernel"] for c in found.calls]
    assert np.array_equal(*kernels)


def test_a_shared_layer_must_fit_each_of_its_uses(tmp_path):
    shared = q_dense("d", 3)
    shared["inbound_nodes"] = [call(tensor("a")), call(tensor("b"))]

    def model(a, b):
        return functional(
            [input_layer("a", a), input_layer("b", b), shared],
            [["a", 0, 0], ["b", 0, 0]],
            [["d", 0, 0], ["d", 1, 0]],
        )

    weights = dense_weights("layers/q_dense", 4, 3)
    weights["layers/q_dense/iq/quantizer/vars"] = kif_wrap((1, 1, 4))
    assert graph(tmp_path, model([5, 4], [2, 4]), weights).shapes[2:] == [(5, 3), (2, 3)]
    told = refused(tmp_path, model([5, 4], [5, 2]), weights=weights)
    assert told.startswith("d (QDense) in net.keras: the layer is used on inputs that call for")
    weights["layers/q_dense/iq/quantizer/vars"] = kif_wrap((1, 5, 4))
    told = refused(tmp_path, model([5, 4], [2, 4]), weights=weights)
    assert "the layer's formats, of shape (5, 4), do not fit its use on" in told


def test_a_shared_layer_has_a_record_for_each_meaning(tmp_path):
    shape = layer("Reshape", "r", call(tensor("a")), call(tensor("b")), target_shape=[-1])
    model = functional(
        [input_layer("a", [2, 2]), input_layer("b", [3, 2]), shape],
        [["a", 0, 0], ["b", 0, 0]],
        [["r", 0, 0], ["r", 1, 0]],
    )
    found = graph(tmp_path, model)
    assert [c.layer.config["target_shape"] for c in found.calls] == [(4,), (6,)]


def test_ports_of_objects_are_in_the_order_of_their_keys(tmp_path):
    model = functional(
        [input_layer("b", [2]), input_layer("a", [2]), relu("r", call(tensor("a")))],
        {"z": ["b", 0, 0], "y": ["a", 0, 0]},
        {"q": ["b", 0, 0], "p": ["r", 0, 0]},
    )
    found = graph(tmp_path, model)
    assert [port.name for port in found.inputs] == ["a", "b"]
    assert [port.name for port in found.outputs] == ["r", "b"]


def test_outputs_of_one_layer_have_distinct_names(tmp_path):
    model = chain([2], relu("r"), relu("r_1"))
    model["config"]["output_layers"] = [["r", 0, 0], ["r", 0, 0], ["r_1", 0, 0]]
    assert [port.name for port in graph(tmp_path, model).outputs] == ["r", "r_2", "r_1"]


def test_layers_that_no_output_needs_are_dropped_unread(tmp_path):
    model = chain([2], relu("r"), layer("Lambda", "evil"))
    model["config"]["output_layers"] = ["r", 0, 0]
    assert calls_of(graph(tmp_path, model)) == [("r", (0,), (1,))]


def test_several_inputs_and_the_key_of_a_slicing(tmp_path):
    full, part = [
        {"class_name": "__slice__", "config": {"start": a, "stop": b, "step": None}}
        for a, b in ((None, None), (1, 3))
    ]
    model = functional(
        [
            input_layer("x", [4]),
            layer("GetItem", "g", call(tensor("x"), [full, part]), package="ops"),
            layer("Concatenate", "c", call([tensor("x"), tensor("g")]), axis=-1),
        ],
        ["x", 0, 0],
        ["c", 0, 0],
    )
    found = graph(tmp_path, model)
    assert found.calls[0].arguments == {"key": (slice(1, 3),)}
    assert found.shapes == [(4,), (2,), (6,)]


def test_a_chain_of_any_length_is_walked_quickly(tmp_path):
    model = chain([4], *[relu(f"r{n}") for n in range(3000)])
    start = time.perf_counter()
    assert len(graph(tmp_path, model).calls) == 3000
    assert time.perf_counter() - start < 5


def test_models_that_use_each_other_cannot_multiply(tmp_path):
    """Fourteen levels, each using the one below ten times."""
    model = functional([input_layer("x", [2])], ["x", 0, 0], ["x", 0, 0], name="m0")
    for level in range(1, 14):
        below = f"m{level - 1}"
        uses = [call(tensor("x"))] + [call(tensor(below, node=n)) for n in range(9)]
        layers = [input_layer("x", [2]), nested(model, *uses)]
        model = functional(layers, ["x", 0, 0], [below, 10, 0], name=f"m{level}")
    assert refused(tmp_path, model, TooLarge) == (
        f"net.keras: the model makes more than {limits.CALLS} layer calls, nested ones counted. "
        f"Build a smaller model."
    )


def test_a_model_has_a_sensible_number_of_layers(tmp_path):
    model = chain([2], *[relu(f"r{n}") for n in range(limits.LAYERS)])
    assert refused(tmp_path, model, TooLarge) == (
        "net.keras: the model has more than 10000 layers. Build a smaller model."
    )


def test_models_nest_only_so_deep(tmp_path):
    model = chain([2], relu("r"))
    for level in range(limits.NESTED_MODELS + 1):
        name = model["config"]["name"]
        layers = [input_layer("x", [2]), nested(model, call(tensor("x")))]
        model = functional(layers, ["x", 0, 0], [name, 1, 0], name=f"m{level}")
    assert "models nest deeper than" in refused(tmp_path, model, TooLarge)


BROKEN = {
    "missing source": (
        lambda p: p.layer("d1").update(inbound_nodes=[call(tensor("ghost"))]),
        "net.keras: a layer 'ghost' is referred to that is not there.",
    ),
    "cycle": (
        lambda p: p.layer("d0").update(inbound_nodes=[call(tensor("d1"))]),
        "d1 (QDense) in net.keras: the layer takes its own output, by way of others, as an input.",
    ),
    "own output": (
        lambda p: p.layer("d1").update(inbound_nodes=[call(tensor("d1"))]),
        "d1 (QDense) in net.keras: the layer takes its own output",
    ),
    "wrong output": (
        lambda p: p.layer("d1").update(inbound_nodes=[call(tensor("d0", index=7))]),
        "d0 (QDense) in net.keras: its output number 7 is referred to; it has 1.",
    ),
    "wrong call": (
        lambda p: p.layer("d1").update(inbound_nodes=[call(tensor("d0", node=3))]),
        "d0 (QDense) in net.keras: its call number 3 is referred to; it has 1.",
    ),
    "negative call": (
        lambda p: p.layer("d1").update(inbound_nodes=[call(tensor("d0", node=-1))]),
        "d1 (QDense) in net.keras: an input of the layer names no source.",
    ),
    "no call": (
        lambda p: p.layer("d0").update(inbound_nodes=[]),
        "d0 (QDense) in net.keras: the layer is used, but has no inbound node.",
    ),
    "no input": (
        lambda p: p.layer("d0").update(inbound_nodes=[call()]),
        "d0 (QDense) in net.keras: the layer is called without an input.",
    ),
    "half a call": (
        lambda p: p.layer("d0").update(inbound_nodes=[[["x", 0]]]),
        "d0 (QDense) in net.keras: a call of the layer is not of Keras 3's form.",
    ),
    "declared shape": (
        lambda p: p.layer("d0").update(inbound_nodes=[call(tensor("x", [5]))]),
        "d0 (QDense) in net.keras: the file declares an input of shape [None, 5], and the layers "
        "before give (None, 4).",
    ),
    "null name": (
        lambda p: (p.layer("d0").update(name=None), p.options("d0").update(name=None)),
        "net.keras: layer 1 of the model has the name None; a name is a text without '/'.",
    ),
    "slash": (
        lambda p: (p.layer("d0").update(name="a/b"), p.options("d0").update(name="a/b")),
        "net.keras: layer 1 of the model has the name 'a/b'; a name is a text without '/'.",
    ),
    "half a character": (
        lambda p: (p.layer("d0").update(name="\ud800"), p.options("d0").update(name="\ud800")),
        "net.keras: layer 1 of the model has the name '\\ud800'; a name is a text without '/'.",
    ),
    "two names": (
        lambda p: p.layer("d0").update(name="other"),
        "other (QDense) in net.keras: its options give it another name, 'd0'.",
    ),
    "doubled name": (
        lambda p: p.config["config"]["layers"].append(p.layer("d0")),
        "d0 (QDense) in net.keras: two layers have this name, so references to it are ambiguous.",
    ),
    "null layer": (
        lambda p: p.config["config"]["layers"].append(None),
        "net.keras: layer 3 of the model is None, which describes no layer.",
    ),
    "layers no list": (
        lambda p: p.config["config"].update(layers={}),
        "model (Functional) in net.keras: 'layers' is no list of layers.",
    ),
    "no outputs": (
        lambda p: p.config["config"].update(output_layers=[]),
        "model (Functional) in net.keras: 'output_layers' does not name layers and their outputs.",
    ),
    "half a port": (
        lambda p: p.config["config"].update(output_layers=[["d1", 0, 0], ["d0", 0]]),
        "model (Functional) in net.keras: 'output_layers' does not name layers and their outputs.",
    ),
    "input is no input": (
        lambda p: p.config["config"].update(input_layers=["d0", 0, 0]),
        "model (Functional) in net.keras: the model's input 'd0' is no input layer.",
    ),
    "input twice": (
        lambda p: p.config["config"].update(input_layers=[["x", 0, 0], ["x", 0, 0]]),
        "model (Functional) in net.keras: the model's input 'x' is given twice.",
    ),
    "no batch shape": (
        lambda p: p.options("x").update(batch_shape=[]),
        "x (InputLayer) in net.keras: option 'batch_shape' is []; it must be",
    ),
    "fraction": (
        lambda p: p.options("x").update(batch_shape=[None, 2.5]),
        "x (InputLayer) in net.keras: option 'batch_shape' is [None, 2.5]; it must be",
    ),
    "model without a name": (
        lambda p: p.config["config"].update(name=["a"]),
        "net.keras: the model has the name ['a']; a name is a text.",
    ),
    "not a model": (
        lambda p: p.config.update(config=None),
        "net.keras: config.json describes no model.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_graphs_that_contradict_themselves(tmp_path, case):
    change, told = BROKEN[case]
    parts = two_dense()
    change(parts)
    found = refused(tmp_path, parts.config, weights=parts.weights)
    assert found.startswith(told)
    assert "save the model again" in found.lower()


def test_an_input_of_another_model_is_no_source(tmp_path):
    model = chain([2], relu("r"))
    model["config"]["layers"].append(input_layer("y", [2]))
    model["config"]["layers"][1]["inbound_nodes"] = [call(tensor("y"))]
    assert refused(tmp_path, model).startswith(
        "y (InputLayer) in net.keras: the layer is no input of its model."
    )


def test_a_nested_model_takes_its_number_of_inputs(tmp_path):
    inner = chain([2], relu("r"))
    inner["config"]["name"] = "block"
    use = call([tensor("x"), tensor("x")])
    model = functional([input_layer("x", [2]), nested(inner, use)], ["x", 0, 0], ["block", 1, 0])
    assert refused(tmp_path, model).startswith(
        "block (Functional) in net.keras: the model takes 1 inputs and is called with 2."
    )


def test_a_model_has_a_sensible_number_of_ports(tmp_path):
    model = chain([2], relu("r"))
    model["config"]["output_layers"] = [["r", 0, 0]] * (limits.PORTS + 1)
    assert "Join outputs with Concatenate" in refused(tmp_path, model, TooLarge)


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        ({"batch_shape": [None, None, 3]}, UnsupportedLayer, "leaves a size open"),
        ({"batch_shape": [None, 3], "sparse": True}, UnsupportedLayer, "a sparse input has no"),
        ({"batch_shape": [None, 2**20 + 1]}, TooLarge, "is larger than any circuit"),
        ({"batch_shape": [None, 2**40, 2**40]}, TooLarge, "is larger than any circuit"),
    ],
)
def test_inputs_without_a_circuit(tmp_path, options, kind, told):
    model = chain([2], relu("r"))
    model["config"]["layers"][0]["config"].update(options)
    assert told in refused(tmp_path, model, kind)


@pytest.mark.parametrize(
    ("described", "told"),
    [
        (
            layer("Lambda", "l", function="code"),
            "l (Lambda) in net.keras: the layer is Python code, and no code of a model file is "
            "ever run. Replace it by layers of a known class.",
        ),
        (
            {**layer("system", "l", command="x"), "module": "os"},
            "l (system) in net.keras: the class is in no package known here, and nothing of a "
            "model file is imported. Replace the layer by layers of hgq2 and Keras.",
        ),
        (
            {**layer("QDense", "l", package="hgq"), "registered_name": "evil>QDense"},
            "l (QDense) in net.keras: the class is in no package known here",
        ),
        (
            layer("QDenseUltra", "l", package="hgq"),
            "l (QDenseUltra) in net.keras: this class has no hardware form here. "
            "Build the model of classes that docs/layers.md lists.",
        ),
        (
            layer("ReLU", "l", dtype="bfloat16"),
            "l (ReLU) in net.keras: the layer computes in 'bfloat16', and only float32 and float64 "
            "are reproduced exactly. Build the model with the dtype policy float32.",
        ),
    ],
)
def test_classes_that_are_refused(tmp_path, described, told):
    assert refused(tmp_path, chain([4], described), UnsupportedLayer).startswith(told)


@pytest.mark.parametrize("keywords", [{"training": True}, {"mask": [[True]]}, {"training": [1]}])
def test_calls_with_more_than_inputs_are_refused(tmp_path, keywords):
    model = chain([4], layer("Dropout", "l"))
    model["config"]["layers"][1]["inbound_nodes"] = [call(tensor("x"), **keywords)]
    assert "the layer is called with" in refused(tmp_path, model, UnsupportedLayer)


def test_empty_keywords_and_inputs_by_name_are_fine(tmp_path):
    model = chain([4], layer("Dropout", "l"))
    model["config"]["layers"][1]["inbound_nodes"] = [
        call(inputs=tensor("x"), mask=None, training=False)
    ]
    assert len(graph(tmp_path, model).calls) == 1


def test_packages_of_both_names_are_hgq(tmp_path):
    parts = two_dense()
    parts.layer("d0")["registered_name"] = "hgq2>QDense"
    assert len(graph(tmp_path, parts.config, parts.weights).calls) == 2


def test_how_the_weight_file_writes_a_class():
    assert [
        snake_case(name) for name in ("QDense", "QEinsumDenseBatchnorm", "QDenseT", "QAdd")
    ] == [
        "q_dense",
        "q_einsum_dense_batchnorm",
        "q_dense_t",
        "q_add",
    ]


def test_a_negative_variance_is_refused(tmp_path):
    norm = layer("QBatchNormalization", "bn", package="hgq", axis=-1, epsilon=1e-3)
    one, at = np.ones(4, np.float32), "layers/q_batch_normalization"
    weights = {
        f"{at}/vars": [one, one, one, -one, np.float32(0), np.uint32(0)],
        f"{at}/iq/quantizer/vars": kif_wrap((1, 4)),
        f"{at}/kq/quantizer/vars": kbi_sat((4,)),
        f"{at}/bq/quantizer/vars": kbi_wrap((4,)),
    }
    told = refused(tmp_path, chain([4], norm), weights=weights)
    assert told.startswith("bn (QBatchNormalization) in net.keras: the moving variance is -1 at")
