"""Which programs the outside tests run: the reference's and ours."""

import os
import signal
import sys
from pathlib import Path

import pytest

from oracle.world import Programs

# What starts the tests may ignore signals (nohup does, and a shell's "&"), and whatever they start
# would inherit that: a `supervisorctl tail -f` that no Ctrl-C ends.
for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, signal.default_int_handler if ignored == signal.SIGINT else signal.SIG_DFL)

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser):
    parser.addoption(
        "--ours",
        default=os.environ.get("SUPERVISORD_UNDER_TEST"),
        help="the supervisord to test, with its supervisorctl beside it (environment: "
        "SUPERVISORD_UNDER_TEST; default: target/package/release/supervisord). The reference's own "
        "path makes every comparison one of the reference with itself.",
    )


@pytest.fixture(scope="session")
def reference() -> Programs:
    """Supervisor as installed beside the Python that runs the tests."""
    return Programs.beside(Path(sys.prefix) / "bin" / "supervisord")


@pytest.fixture(scope="session")
def ours(request) -> Programs:
    """The programs under test."""
    chosen = request.config.getoption("--ours")
    path = Path(chosen) if chosen else REPOSITORY / "target/package/release/supervisord"
    if not path.exists():
        pytest.exit(f"cannot test {path}: no such file (packaging/build, or --ours PATH)", 2)
    return Programs.beside(path)
