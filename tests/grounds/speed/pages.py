"""Pages compiled once for all processes of a run: each page takes a process some 20 ms.

And the description of the API, which is the same for every application of a process: a quarter of
a second.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

from app.web import pages


class Shared(pages.Compiled):
    """What one process has compiled lies in a folder for the others, who remember it as theirs."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(exist_ok=True)
        self._folder = FileSystemBytecodeCache(str(folder))

    def load_bytecode(self, bucket: Bucket) -> None:
        super().load_bytecode(bucket)
        if bucket.code is None:
            self._folder.load_bytecode(bucket)
            if bucket.code is not None:
                super().dump_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        super().dump_bytecode(bucket)
        self._folder.dump_bytecode(bucket)


def share(patch: pytest.MonkeyPatch, own: Path) -> None:
    """With all processes that run beside this one. `own`: pytest's folder for this process."""
    beside = "PYTEST_XDIST_WORKER" in os.environ
    folder = (own.parent if beside else own) / "compiled-pages"
    patch.setattr(pages, "_compiled", Shared(folder))


def describe_once(patch: pytest.MonkeyPatch) -> None:
    """All applications that tests make have the same routes, by the same name."""
    describe = FastAPI.openapi
    described: dict[str, dict[str, Any]] = {}

    def openapi(app: FastAPI) -> dict[str, Any]:
        if app.title not in described:
            described[app.title] = describe(app)
        return described[app.title]

    patch.setattr(FastAPI, "openapi", openapi)
