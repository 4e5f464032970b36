"""What identifies a model: its file's hash, its name."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from .frontends import LayerGraph


def file_hash(model: Any) -> str | None:
    """SHA-256 of a model file; None of a model in memory."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    return hashlib.sha256(Path(model).read_bytes()).hexdigest()


def top_name(model: Any, graph: LayerGraph) -> str:
    """What the top module is called where the user does not say."""
    return Path(model).stem if isinstance(model, (str, os.PathLike)) else graph.name
