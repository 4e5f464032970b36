"""The rung between Keras and the interpreter, with a framework made of a few lines.

The real one stands in ``journeys/test_real_models.py``; here it is the process
around it that is tested, and the words for each way in which it can fail.
"""

import numpy as np
import pytest

from hgq2rtl.errors import BadOption, Mismatch, MissingTool, ToolFailed
from hgq2rtl.verify import check_framework
from hgq2rtl.verify.framework import run_framework

KERAS = """
import numpy as np


class models:
    @staticmethod
    def load_model(path, compile):
        assert not compile
        return Model()


class Model:
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
