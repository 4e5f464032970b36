"""``python -m hgq2rtl.verify.keras_process MODEL INPUTS.npz OUTPUTS.npz``

Loads a model with Keras and hgq2 and writes its predictions. Nothing else of
hgq2rtl imports a framework, and nothing of hgq2rtl imports this.
"""

from __future__ import annotations

import sys

import numpy as np

NOT_INSTALLED = 77


def main(model: str, inputs: str, outputs: str) -> None:
    """Predict; exit with NOT_INSTALLED where a package is missing."""
    try:
        import hgq  # noqa: F401  registers its layers
        import keras
    except ImportError as problem:
        print(problem, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    loaded = keras.models.load_model(model, compile=False)
    with np.load(inputs) as given:
        arrays = [given[name].astype(np.float32) for name in given.files]
    made = loaded.predict(arrays if len(arrays) > 1 else arrays[0], batch_size=4096, verbose=0)
    made = list(made.values()) if isinstance(made, dict) else made
    np.savez(outputs, *(made if isinstance(made, (list, tuple)) else [made]))


if __name__ == "__main__":
    main(*sys.argv[1:])
