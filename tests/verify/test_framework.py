"""The rung between Keras and the interpreter, with a framework made of a few lines.

The real one stands in ``journeys/test_real_models.py``; here it is the process
around it that is tested, and the words for each way in which it can fail.
"""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from hgq2rtl.errors import BadOption, Mismatch, MissingTool, ToolFailed
from hgq2rtl.verify import check_framework, keras_process
from hgq2rtl.verify.framework import run_framework

KERAS = """
import numpy as np


class models:
    @staticmethod
    def load_model(path, custom_objects, compile):
        assert not compile and custom_objects == {"hgq2>QDense": int}
        return Model()


class saving:
    @staticmethod
    def get_custom_objects():
        return {"hgq>QDense": int}


class Tensor:
    dtype = "float32"


class Model:
    inputs = [Tensor]

    def predict(self, x, batch_size, verbose):
        assert x.dtype == np.float32
        a = np.clip(np.floor(x[:, 0] * 8 + 0.5), -128, 127) + 8 * np.clip(np.floor(x[:, 1]), 0, 15)
        y = np.stack([np.clip(np.floor(a / 2 + 0.5), -32, 31) / 4, np.clip(x[:, 1], 0, 15)], axis=1)
        return ANSWER
"""


@pytest.fixture
def framework(tmp_path, monkeypatch):
    """Puts modules ``keras`` and ``hgq`` in the child's way."""

    def install(answer="y", hgq=""):
        (tmp_path / "keras.py").write_text(KERAS.replace("ANSWER", answer))
        (tmp_path / "hgq.py").write_text(hgq)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return install


X = np.array([[0.0, 0.0], [1.0, 3.0], [-2.5, 1.0], [15.0, 15.0]])


def test_equal(framework, tiny, tmp_path):
    framework()
    assert check_framework(tiny.program, tmp_path / "m.keras", [X]) == 4


def test_a_float64_model_has_no_reference_in_keras_on_jax(framework, tiny, tmp_path):
    """Catches a false alarm: Keras would round float64 through float32."""
    framework()
    port = tiny.program.inputs[0]
    fields = tuple(replace(field, float_type="float64") for field in port.fields)
    program = tiny.program.with_ports([replace(port, fields=fields)], tiny.program.outputs)
    model = tmp_path / "m.keras"
    with pytest.raises(BadOption) as caught:
        check_framework(program, model, [X])
    assert str(caught.value) == (
        f"{model} computes in float64, and Keras on JAX rounds its quantizers through float32 all "
        "the same: it is no reference. Check without a model."
    )


@pytest.mark.parametrize(
    "answer",
    ["[y]", "(y,)", "{'y': y}", "y.astype(np.float32)"],
    ids=["list", "tuple", "dict", "32"],
)
def test_every_form_of_an_answer(framework, tiny, tmp_path, answer):
    framework(answer)
    assert check_framework(tiny.program, tmp_path / "m.keras", [X]) == 4


def test_a_mismatch_names_output_element_and_sample(framework, tiny, tmp_path):
    framework("y + (np.arange(8).reshape(4, 2) == 5) * 0.25 + (np.arange(8).reshape(4, 2) > 6)")
    with pytest.raises(Mismatch) as caught:
        check_framework(tiny.program, tmp_path / "m.keras", [X])
    assert str(caught.value) == (
        "2 of 4 samples differ between Keras and interpreter. Output 'y'[1], sample 2: "
        "Keras gives 1.25, the interpreter 1.0."
    )


def test_a_nan_is_a_mismatch(framework, tiny, tmp_path):
    framework("y * np.nan")
    with pytest.raises(Mismatch, match=r"4 of 4 samples differ .* Keras gives nan"):
        check_framework(tiny.program, tmp_path / "m.keras", [X])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("[y, y]", "m.keras has 2 outputs and the design 1: give the model that was compiled"),
        (
            "y[:, :1]",
            "m.keras: output 'y' has shape (1,) and the design's (2,): give the model that was "
            "compiled",
        ),
    ],
)
def test_another_model(framework, tiny, tmp_path, answer, message):
    framework(answer)
    with pytest.raises(BadOption) as caught:
        check_framework(tiny.program, tmp_path / "m.keras", [X])
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_no_framework(framework, tiny, tmp_path):
    framework(hgq="raise ImportError(\"No module named 'hgq'\")")
    with pytest.raises(MissingTool) as caught:
        check_framework(tiny.program, tmp_path / "m.keras", [X])
    assert str(caught.value) == (
        "the framework's own inference needs Keras, JAX and hgq2 (No module named 'hgq'): install "
        "them with `pip install 'hgq2rtl[train]'`"
    )


def test_a_framework_that_fails(framework, tiny, tmp_path):
    framework("1 / 0")
    with pytest.raises(ToolFailed) as caught:
        check_framework(tiny.program, tmp_path / "m.keras", [X])
    message = str(caught.value)
    assert message.startswith(f"Keras could not run {tmp_path}/m.keras:\n")
    assert message.endswith("ZeroDivisionError: division by zero")


def test_files_in_the_current_folder_are_not_imported(tmp_path, monkeypatch):
    """Catches a module search that begins where the user stands."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('this numpy ran')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((MissingTool, ToolFailed)) as caught:
        run_framework(tmp_path / "none.keras", [X])
    assert "this numpy ran" not in str(caught.value)


def test_classes_that_only_training_needs_are_stood_in_for(tmp_path):
    """Catches a model that Keras cannot load for a constraint of its author's."""
    config = {
        "layers": [
            {
                "kernel_constraint": {
                    "module": "author",
                    "class_name": "Diag",
                    "registered_name": "author>Diag",
                },
                "bias_regularizer": {"module": "keras.regularizers", "class_name": "L2"},
                "activation": {"module": "author", "class_name": "Swish"},
            }
        ]
    }
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    names = keras_process._ignored(str(path))
    assert set(names) == {"Diag", "author>Diag"}
    assert names["Diag"].from_config({})(3) == 3
    assert keras_process._ignored(str(tmp_path / "m.h5")) == {}
