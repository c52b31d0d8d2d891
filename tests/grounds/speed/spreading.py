"""How the tests are spread over processes: two have a browser, and the longest come first."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.grounds.speed import thorough

TOGETHER = {
    # a browser belongs to the process that started it: two halves for two cores, and no third
    "browser, supporters": ("tests/browser/supporters/",),
    "browser": ("tests/browser/",),
    # these read every file of the program once, or every sentence
    "house": ("tests/test_house.py",),
    "words": ("tests/languages/test_catalogues.py", "tests/web/languages/test_one_language.py"),
}
# whoever begins one of these last is waited for by all others
LONGEST = ("tests/browser/", "tests/test_demo.py", "tests/test_kill.py", "tests/hold/")


class Spreading(LoadScopeScheduling):
    """Test by test, to whichever process is free."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name, tests in TOGETHER.items() if nodeid.startswith(tests)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spreading:
    return Spreading(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    thorough.mark(items)
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
