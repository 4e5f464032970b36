"""Networks that other people trained and published, and the small ones made for tests.

They lie beside the repository, never in it; tests that need them are skipped without them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

MODELS = Path(__file__).resolve().parents[3] / "shared" / "models"
ZOO = MODELS / "zoo"
BAD = ZOO / "bad"

needs_models = pytest.mark.skipif(
    not MODELS.is_dir(), reason=f"the trained models of {MODELS} are not there"
)


def index(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder's index.json; none where the folder is absent."""
    path = folder / "index.json"
    return json.loads(path.read_text()) if path.exists() else []


def zoo_inputs_and_outputs(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """``x0, x1, ..`` and ``y0, y1, ..`` of a zoo case."""
    data = np.load(ZOO / f"{name}.npz")
    inputs = [data[key] for key in sorted(data.files) if key.startswith("x")]
    return inputs, [data[key] for key in sorted(data.files) if key.startswith("y")]


def as_list(outputs: Any) -> list[np.ndarray]:
    """Outputs of ``predict``, in a list also where there is one."""
    return outputs if isinstance(outputs, list) else [outputs]
