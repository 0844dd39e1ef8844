"""A browser without a window, for tests of pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def headless_chromium() -> Iterator:
    """The browser of SARGAN_CHROMIUM, else the system's, else Playwright's own; a skip where there is none, but not in CI."""
    from playwright.sync_api import Error, sync_playwright

    executable = os.environ.get("SARGAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        except Error:
            if os.environ.get("CI"):
                raise
            pytest.skip("No browser: install chromium, or run `playwright install chromium`, or set SARGAN_CHROMIUM.")
        yield chromium
        chromium.close()
