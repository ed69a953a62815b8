"""A browser for each worker, and for each test a daemon and pages of its own."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from web.rig import Daemon, Watched

REPOSITORY = Path(__file__).resolve().parent.parent.parent

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
"""What the browser's program is called on one system or another."""

WINDOW = {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def supervisord(request) -> Path:
    """The program under test: the one that was named, else what was built."""
    chosen = request.config.getoption("--ours")
    built = [REPOSITORY / "target" / kind / "supervisord" for kind in ("package/release", "debug")]
    paths = [Path(chosen).absolute()] if chosen else built
    for path in paths:
        if path.exists():
            return path
    pytest.exit(f"cannot test {paths[0]}: no such file (packaging/build, or --ours PATH)", 2)


@pytest.fixture(scope="session")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.exit("cannot test the page: there is no chromium (apt-get install chromium)", 2)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--enable-precise-memory-info", "--js-flags=--expose-gc"]
        started = playwright.chromium.launch(executable_path=found, args=options)
        yield started
        started.close()


@pytest.fixture
def daemon(supervisord, tmp_path):
    """A daemon that is configured by the test, and started by it."""
    made = Daemon(supervisord, tmp_path)
    yield made
    made.close()


@pytest.fixture
def open_page(browser, daemon):
    """Makes pages; none of them may have said that something is wrong."""
    opened = []

    def make(fragment: str = "", go: bool = True, **options) -> Watched:
        context = browser.new_context(**{"viewport": WINDOW, **options})
        watched = Watched(context.new_page(), daemon)
        opened.append((context, watched))
        return watched.open(fragment) if go else watched

    yield make
    for context, _ in opened:
        context.close()
    for _, watched in opened:
        watched.check()
