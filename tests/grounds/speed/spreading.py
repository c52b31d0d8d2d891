"""How the tests are spread over processes: those of the browser together, and the longest first."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = "tests/browser/"
# whoever begins one of these last is waited for by all others
LONGEST = ("tests/browser/", "tests/test_demo.py", "tests/test_kill.py", "tests/hold/")


class Spreading(LoadScopeScheduling):
    """Test by test, to whichever process is free."""

    def _split_scope(self, nodeid: str) -> str:
        # a browser belongs to the process that started it, and a second takes a core of its own
        return TOGETHER if nodeid.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spreading:
    return Spreading(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
