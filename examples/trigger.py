"""A trigger decision behind a network: which class is it, and is the answer clear enough?

Run ``python examples/trigger.py`` in the repository.
"""

from pathlib import Path

import numpy as np

import hgq2rtl

MODEL = Path(__file__).with_name("digits.keras")
MARGIN = 1.5


def decide(scores):
    """NumPy names only, so the same function runs on floats and on wires."""
    ordered = np.sort(scores)
    is_clear = ordered[-1] - ordered[-2] > MARGIN
    return {"digit": np.argmax(scores), "accept": is_clear & (np.max(scores) > 0)}


def main():
    network = hgq2rtl.compile(MODEL)
    trigger = hgq2rtl.compile(MODEL, after=decide)
    print(trigger)

    x = np.random.default_rng(0).uniform(0, 1, (1000, 64))
    digit, accept = trigger.predict(x)
    wanted = [decide(scores) for scores in network.predict(x)]
    assert [each["digit"] for each in wanted] == digit.tolist()
    assert [each["accept"] for each in wanted] == accept.tolist()
    print(f"{int(accept.sum())} of {len(x)} accepted, as on floats")


if __name__ == "__main__":
    main()
