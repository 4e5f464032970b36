"""Archives changed at random: whatever comes, it is read or refused in one line."""

import copy
import json
import random

import pytest

from hgq2rtl.errors import Hgq2rtlError
from hgq2rtl.frontends import read

from .archives import two_dense, weight_file, write_zip

STRANGE = [
    None,
    True,
    -1,
    0,
    2**47,
    10**30,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "x",
    "a/b",
    "\ud800",
    [],
    {},
    [[]],
    [None],
    [2**40, 2**40],
    {"class_name": "__tuple__", "items": [0]},
    {"class_name": "__slice__", "config": {}},
    {"class_name": "__keras_tensor__", "config": {}},
    {"class_name": {}, "config": {}},
]


def places(value, found):
    """Every container of a JSON value with each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            places(value[key], found)
    return found


def read_or_refuse(path):
    try:
        read(path)
    except Hgq2rtlError as error:
        told = str(error)
        assert told.isprintable() and len(told) < 1000
        assert path.name in told


@pytest.mark.parametrize("seed", range(8))
def test_options_replaced_at_random(tmp_path, seed):
    rng = random.Random(seed)
    for _ in range(60):
        parts = two_dense()
        for _ in range(rng.choice([1, 1, 2, 3])):
            container, key = rng.choice(places(parts.config, []))
            container[key] = copy.deepcopy(rng.choice(STRANGE))
            if rng.random() < 0.15:
                del container[key]
        read_or_refuse(parts.write(tmp_path / "net.keras"))


@pytest.mark.parametrize("seed", range(8))
def test_bytes_of_the_weight_file_changed_at_random(tmp_path, seed):
    rng = random.Random(seed)
    parts = two_dense()
    config, weights = json.dumps(parts.config).encode(), weight_file(parts.weights)
    for _ in range(40):
        data = bytearray(weights)
        for _ in range(rng.choice([1, 2, 8, 64])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        members = {"config.json": config, "model.weights.h5": bytes(data)}
        read_or_refuse(write_zip(tmp_path / "net.keras", members))


@pytest.mark.parametrize("seed", range(4))
def test_bytes_of_the_archive_changed_at_random(tmp_path, seed):
    rng = random.Random(seed)
    path = two_dense().write(tmp_path / "net.keras")
    whole = path.read_bytes()
    for _ in range(40):
        data = bytearray(whole)
        for at in (rng.randrange(len(data)), len(data) - 1 - rng.randrange(300)):
            data[at] = rng.randrange(256)
        path.write_bytes(data)
        read_or_refuse(path)
