"""Seldom looks for rubbish: half a million things that imports made are never any.

What a test leaves open is told of as before, when its last name goes or when pytest looks itself.
"""

import gc

SELDOM = (50_000, 20, 100)

gc.disable()  # until all tests are collected: what is imported stays, however often one looks


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    gc.enable()
