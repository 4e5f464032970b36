"""Schemas of rectifiers, scaling and embedding: plain Keras layers with exact constants."""

import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedLayer

from ..test_layers import families, plan

LINE = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}

# class, options, input shape, output shape, config, stored variables with shapes
EXAMPLES = [
    ("ReLU", {}, (4,), (4,), LINE, {}),
    (
        "ReLU",
        {"max_value": 6, "negative_slope": 0.25, "threshold": 1.0},
        (2, 4),
        (2, 4),
        {"max_value": 6.0, "negative_slope": 0.25, "threshold": 1.0},
        {},
    ),
    ("LeakyReLU", {"negative_slope": 0.125}, (4,), (4,), {**LINE, "negative_slope": 0.125}, {}),
    ("LeakyReLU", {"alpha": 0.5}, (4,), (4,), {**LINE, "negative_slope": 0.5}, {}),
    ("PReLU", {"shared_axes": None}, (2, 3), (2, 3), {}, {"alpha": (2, 3)}),
    ("PReLU", {"shared_axes": [1]}, (2, 3), (2, 3), {}, {"alpha": (1, 3)}),
    ("Rescaling", {"scale": 2, "offset": [1]}, (3,), (3,), {"scale": 2.0, "offset": [1.0]}, {}),
    (
        "Normalization",
        {"axis": [-1], "mean": None, "variance": None},
        (2, 3),
        (2, 3),
        {"axis": (1,), "invert": False},
        {"mean": (3,), "variance": (3,), "count": ()},
    ),
    (
        "Normalization",
        {"axis": None, "mean": [[0.5]], "variance": 4, "invert": True},
        (2, 3),
        (2, 3),
        {"axis": (), "invert": True, "mean": [0.5], "variance": [4.0]},
        {},
    ),
    (
        "Embedding",
        {"input_dim": 8, "output_dim": 2, "mask_zero": False},
        (3,),
        (3, 2),
        {"input_dim": 8, "output_dim": 2},
        {"embeddings": (8, 2)},
    ),
]


@pytest.mark.parametrize(("name", "options", "shape", "output", "config", "variables"), EXAMPLES)
def test_plans(name, options, shape, output, config, variables):
    found = plan("keras", name, options, [shape])
    assert (found.output, found.config) == (output, config)
    assert {each.name: each.shape for each in found.variables} == variables


def test_all_classes_are_tested():
    modules = families()
    there = {name for m in ("rectifiers", "scaling", "embedding") for _, name in modules[m]}
    assert there == {name for name, *_ in EXAMPLES}


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("ReLU", {"max_value": -1.0}, "option 'max_value' is -1.0; it must be null or at least 0"),
        (
            "ReLU",
            {"threshold": None},
            "option 'threshold' is None; it must be a number of at least 0",
        ),
        ("LeakyReLU", {"alpha": -0.5}, "option 'alpha' is -0.5; it must be at least 0"),
        (
            "PReLU",
            {"shared_axes": [0]},
            "option 'shared_axes' is [0]; it must be null or a list of axes from 1 to 1",
        ),
        (
            "Rescaling",
            {"scale": [1, 2], "offset": 0},
            "option 'scale' is [1, 2]; it must be a number, or a list of numbers for the last axis",
        ),
        ("Normalization", {"mean": [1]}, "mean and variance must be given both or neither"),
        (
            "Normalization",
            {"mean": [1, 2], "variance": [1, 2]},
            "option 'mean' is [1, 2]; it must be 3 numbers, or one for all",
        ),
        (
            "Normalization",
            {"axis": 0},
            "option 'axis' is 0; it must be null, or axes of the input behind the batch",
        ),
    ],
)
def test_nonsense_is_a_damaged_file(name, options, problem):
    with pytest.raises(BadModelFile) as error:
        plan("keras", name, options, [(3,)])
    assert str(error.value) == f"l ({name}) in f: {problem}. Save the model again from Keras."


def test_a_mask_has_no_hardware_form():
    with pytest.raises(UnsupportedLayer) as error:
        plan("keras", "Embedding", {"input_dim": 4, "output_dim": 2, "mask_zero": True}, [(3,)])
    assert str(error.value) == (
        "l (Embedding) in f: mask_zero hides elements from the layers behind, which a circuit "
        "always computes. Build the layer with mask_zero=False."
    )
