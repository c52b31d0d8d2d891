"""Makes sure that there is a Chromium for the tests; says in one line which, or why not.

Run by `make test` before the tests, with no more than the standard library and Playwright.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# the first shows nobody a window, and takes half the time for it
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
PACKAGES = ("chromium-headless-shell", "chromium")  # not every system has the first
FONTS = "fonts-dejavu-core"


def installed() -> str | None:
    """The path of the system's own browser; None leaves Playwright to use its own."""
    for name in NAMES:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
        # a package may leave a stub that only says where to get the browser
        if path and _ends_well([path, "--version", "--no-sandbox"]):
            return path
    return None


def main() -> int:
    """0 when tests can open a browser. Tries the system's packages, then Playwright's own."""
    if path := installed():
        print(f"browser for the tests: {path}")
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("browser for the tests: none yet, installing chromium", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        _ends_well(["apt-get", "update", "-q"])
        for package in PACKAGES:
            wanted = [package, FONTS]
            _ends_well(["apt-get", "install", "-q", "-y", "--no-install-recommends", *wanted])
            if path := installed():
                print(f"browser for the tests: {path}")
                return 0
    if _ends_well([sys.executable, "-m", "playwright", "install", "chromium"]):
        print("browser for the tests: the one Playwright keeps")
        return 0
    print("no browser for the tests: install chromium and run again", file=sys.stderr)
    return 1


def _ends_well(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=600)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
