"""Compile a trained network to Verilog and check it. Run from the root of the repository."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import hgq2rtl

digits = load_digits()
_, x, _, y = train_test_split(  # the digits that train_digits.py keeps for testing
    digits.data / 16, digits.target, test_size=0.2, random_state=0, stratify=digits.target
)

design = hgq2rtl.compile("examples/digits.keras", clock_ns=5)
print(design)

logits = design.predict(x)  # integers decide every bit
print(f"accuracy {np.mean(logits.argmax(axis=1) == y):.2%} on {len(x)} test digits")

design.check(x)  # the Verilog gives the same bits, or this names the layer and the sample
design.write("build/digits", force=True)
