"""The source tarball of the last commit, which several tests need."""

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGING = REPOSITORY / "packaging"

# What a test makes that the next run can use.
KEPT = REPOSITORY / "target" / "test-packages"

# Not whoever runs the tests: what is made is to depend on none of it.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("SOURCE_DATE_EPOCH", "PYTEST_CURRENT_TEST")}


def run(*command, **settings) -> str:
    """What a command prints; where it fails, its words are the test's."""
    settings = {"cwd": REPOSITORY, "env": ENVIRONMENT, "text": True} | settings
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)
    said = done.stderr if isinstance(done.stderr, str) else repr(done.stderr)
    assert done.returncode == 0, f"{command}: {said[-4000:]}"
    return done.stdout


def version() -> str:
    return run(PACKAGING / "version").strip()


def epoch() -> int:
    """The time of the last commit."""
    return int(run("git", "log", "-1", "--format=%ct"))


def is_checkout() -> bool:
    """A source tarball has these tests too, and no commits."""
    return (REPOSITORY / ".git").exists()


def tarball() -> Path:
    """That of the last commit, not packed; an older one is made anew."""
    commit = run("git", "rev-parse", "HEAD").strip()
    made = KEPT / "source" / f"supervisord-{version()}.tar"
    mark = KEPT / "source" / "commit"
    if not made.exists() or not mark.exists() or mark.read_text() != commit:
        run(PACKAGING / "vendor", "--uncompressed", made.parent)
        mark.write_text(commit)
    return made


def packed_tarball() -> Path:
    """The same as recipes want it, packed in a hurry: a release's is smaller."""
    made = tarball()
    packed = made.with_suffix(".tar.xz")
    if not packed.exists() or packed.stat().st_mtime_ns < made.stat().st_mtime_ns:
        run("xz", "--keep", "--force", "-0", "--threads=2", made)
        # xz gives it the time of what it packs.
        packed.touch()
    return packed


def uncommitted() -> str:
    """What is built here and is in no tarball."""
    return run("git", "status", "--porcelain", "src", "build.rs", "Cargo.toml", "Cargo.lock", "packaging")
