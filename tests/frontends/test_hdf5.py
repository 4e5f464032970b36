"""The weight file: only plain numbers of the expected shape are read, and only from inside."""

import h5py
import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, TooLarge
from hgq2rtl.frontends import limits
from hgq2rtl.frontends.hdf5 import Variable, WeightFile

from .archives import weight_file

KERNEL = np.arange(12, dtype=np.float32).reshape(4, 3)
WANTED = (Variable("kernel", (4, 3)),)
WHERE = "d0 (QDense) in net.keras"


def read(change=None, wanted=WANTED, stored=(KERNEL,)):
    data = weight_file({"layers/q_dense/vars": list(stored)}, change)
    return WeightFile(data, "net.keras").read("layers/q_dense/vars", wanted, WHERE)


def refused(change=None, kind=BadModelFile, **kwargs):
    with pytest.raises(kind) as caught:
        read(change, **kwargs)
    assert str(caught.value).startswith(WHERE)
    return str(caught.value)


def replaced(**options):
    """A change of the weight file: another dataset in place of the kernel."""

    def change(file):
        group = file["layers/q_dense/vars"]
        del group["0"]
        group.create_dataset("0", **options)

    return change


def test_variables_are_read_by_position_and_named():
    assert np.array_equal(read()["kernel"], KERNEL)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u4", ">f4"])
def test_any_plain_number_is_read(dtype):
    assert np.array_equal(read(stored=[KERNEL.astype(dtype)])["kernel"], KERNEL)


def test_a_variable_that_means_nothing_is_not_read():
    wanted = (Variable("i_decay_speed", (), is_read=False),)
    assert read(wanted=wanted, stored=[np.float32(np.inf)]) == {}


def test_formats_may_be_stored_with_extent_one():
    wanted = (Variable("f", (4, 3), may_broadcast=True),)
    assert read(wanted=wanted, stored=[np.ones((1, 3))])["f"].shape == (1, 3)
    assert "has shape (2, 3) where (4, 3) belongs" in refused(wanted=wanted, stored=[KERNEL[:2]])


def test_no_hdf5_file():
    with pytest.raises(BadModelFile) as caught:
        WeightFile(b"\x89HDF\r\n\x1a\n", "net.keras")
    assert str(caught.value) == (
        "net.keras: model.weights.h5 is no HDF5 file or is damaged. "
        "Copy the file again or save the model again."
    )


def test_another_number_of_variables():
    assert refused(stored=[KERNEL, KERNEL]) == (
        f"{WHERE}: layers/q_dense/vars holds 2 variables where the layer's options call for 1 "
        f"(kernel). The file is damaged or was edited; save the model again."
    )


def test_a_missing_group():
    def change(file):
        del file["layers/q_dense"]

    assert refused(change) == (
        f"{WHERE}: layers/q_dense is missing from the weights. "
        f"The file is damaged or was edited; save the model again."
    )


def test_another_shape():
    assert refused(stored=[KERNEL.T]) == (
        f"{WHERE}: layers/q_dense/vars/0 (kernel) has shape (3, 4) where (4, 3) belongs. "
        f"The file is damaged or was edited; save the model again."
    )


def test_a_dataset_in_place_of_a_group():
    def change(file):
        del file["layers/q_dense/vars"]
        file["layers/q_dense/vars"] = KERNEL

    assert "layers/q_dense/vars is no group" in refused(change)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(value):
    kernel = KERNEL.copy()
    kernel[1, 1] = value
    assert "holds NaN or infinity" in refused(stored=[kernel])


@pytest.mark.parametrize(
    "data",
    [
        KERNEL.astype("c8"),
        np.array([["a"] * 3] * 4, dtype=h5py.string_dtype()),
        np.zeros((4, 3), dtype=[("a", "f4"), ("b", "f4")]),
        KERNEL.astype(bool),
    ],
    ids=["complex", "string", "compound", "bool"],
)
def test_values_that_are_no_plain_numbers(data):
    assert "does not hold plain numbers" in refused(replaced(data=data))


@pytest.mark.parametrize(
    "link",
    [
        h5py.SoftLink("/layers/q_dense/vars/0"),
        h5py.SoftLink("/elsewhere"),
        h5py.ExternalLink("other.h5", "/data"),
    ],
    ids=["cycle", "dangling", "external"],
)
def test_links_are_not_followed(link, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("other.h5", "w") as other:
        other["data"] = KERNEL

    def change(file):
        group = file["layers/q_dense/vars"]
        del group["0"]
        group["0"] = link

    assert "is a link to another place or file, which is never followed" in refused(change)


def test_a_link_in_the_path_is_not_followed():
    def change(file):
        file.move("layers/q_dense", "hidden")
        file["layers/q_dense"] = h5py.SoftLink("/hidden")

    assert "layers/q_dense is a link" in refused(change)


def test_external_storage_is_not_opened(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(48))
    change = replaced(shape=(4, 3), dtype="f4", external=[(str(secret), 0, 48)])
    assert "keeps its values outside the file" in refused(change)


def test_a_virtual_dataset_is_not_read():
    layout = h5py.VirtualLayout(shape=(4, 3), dtype="f4")
    layout[:] = h5py.VirtualSource("missing.h5", "data", shape=(4, 3))

    def change(file):
        group = file["layers/q_dense/vars"]
        del group["0"]
        group.create_virtual_dataset("0", layout)

    assert "keeps its values outside the file" in refused(change)


def test_compression_inside_is_refused():
    assert "is compressed inside the HDF5 file" in refused(replaced(data=KERNEL, compression=9))


def test_declared_but_not_stored():
    assert "declares values that are not stored" in refused(
        replaced(shape=(4, 3), dtype="f4", chunks=(1, 1))
    )


def test_an_absurd_shape_is_refused_by_its_header():
    change = replaced(shape=(2**30, 2**30), dtype="f4", chunks=(1024, 1024))
    assert "where (4, 3) belongs" in refused(change)


def test_an_absurd_expectation_is_refused_before_anything_is_read():
    shape = (2**20, 2)
    change = replaced(shape=shape, dtype="f4", chunks=(1024, 2))
    wanted = (Variable("kernel", shape),)
    assert refused(change, TooLarge, wanted=wanted) == (
        f"{WHERE}: a tensor of shape (1048576, 2) is larger than any circuit; "
        f"the limit is {limits.ELEMENTS} elements and {limits.RANK} axes. "
        f"Check the sizes in the model."
    )


def test_all_arrays_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(limits, "WEIGHTS_BYTES", 40)
    assert "the model's arrays take more than" in refused(kind=TooLarge)
