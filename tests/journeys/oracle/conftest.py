"""Models built with Keras in the process of the tests: what JAX compiled for one is let go."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_leftovers():
    """Compiled programs would add up to gigabytes."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
