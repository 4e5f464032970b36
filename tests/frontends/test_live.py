"""Live models: read through their own save, so they give the graph that their file gives."""

import shutil

import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedFormat
from hgq2rtl.frontends import from_model, read

from .archives import two_dense


class Saved:
    """Stands for a Keras model: it has a name and writes itself."""

    name = "jet\ntagger"

    def __init__(self, path):
        self._path = path

    def save(self, path):
        shutil.copy(self._path, path)


def test_a_live_model_and_its_file_give_the_same_graph(tmp_path):
    path = two_dense().write(tmp_path / "net.keras")
    live, stored = from_model(Saved(path)), read(path)
    assert live.source == "Saved 'jet\\\\ntagger'"
    assert live.shapes == stored.shapes
    assert [c.layer.config for c in live.calls] == [c.layer.config for c in stored.calls]


@pytest.mark.parametrize("thing", [3, None, "jet.keras", object()])
def test_what_is_no_model(thing):
    with pytest.raises(UnsupportedFormat) as caught:
        from_model(thing)
    assert str(caught.value) == (
        f"an object of type {type(thing).__name__} is no Keras model. "
        f"Give a built Functional or Sequential model, or the path of a model file."
    )


def test_a_model_that_cannot_be_saved():
    class Broken(Saved):
        def save(self, path):
            raise ValueError("not built\nyet")

    with pytest.raises(BadModelFile) as caught:
        from_model(Broken(None))
    assert str(caught.value) == (
        "Broken 'jet\\\\ntagger': Keras cannot save the model, and it is read through its saved "
        "form (not built\\nyet). Build it, and make sure that model.save works."
    )
