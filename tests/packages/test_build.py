"""What packaging/build makes of its surroundings, with a cargo that only tells what it is told; and
where packaging/install takes files from and puts them."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from packages.source import ENVIRONMENT, PACKAGING, REPOSITORY, run

CARGO = """#!/bin/sh
# Says what it is told for a build, and fetches nothing; of all else the real one knows.
case $1 in
build) ;;
fetch) [ -z "${{FETCHED:-}}" ] || mkdir -p "$CARGO_HOME/registry/src/$FETCHED"; exit ;;
*) exec {real} "$@" ;;
esac
echo "PWD=$PWD"
echo "ARGUMENTS=$*"
exec env
"""

# What a build reads, and this machine may have.
READ = ("CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CFLAGS")


@pytest.fixture
def at(tmp_path) -> dict[str, str]:
    """An environment with that cargo."""
    (tmp_path / "bin").mkdir()
    cargo = tmp_path / "bin/cargo"
    cargo.write_text(CARGO.format(real=shutil.which("cargo")))
    cargo.chmod(0o755)
    clean = {key: value for key, value in ENVIRONMENT.items() if key not in READ}
    return clean | {"PATH": f"{tmp_path / 'bin'}:{ENVIRONMENT['PATH']}", "CARGO_HOME": str(tmp_path / "home")}


def told(at: dict[str, str], *arguments, script=PACKAGING / "build", **settings) -> dict[str, str]:
    """What cargo is told."""
    lines = run(script, *arguments, env=at, **settings).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def refused(at: dict[str, str]) -> str:
    done = subprocess.run([PACKAGING / "build"], env=at, capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


def test_paths_are_the_callers(at, tmp_path):
    (tmp_path / "home/registry/src/index").mkdir(parents=True)
    said = told(at | {"CARGO_TARGET_DIR": "made", "CARGO_HOME": "home"}, cwd=tmp_path)
    assert said["PWD"] == str(REPOSITORY)
    assert said["CARGO_TARGET_DIR"] == f"{tmp_path}/made"
    assert f"--remap-path-prefix={tmp_path}/made=" in said["RUSTFLAGS"]
    assert f"--remap-path-prefix={tmp_path}/home/registry/src/index=/usr/src/crates" in said["RUSTFLAGS"]
    assert f"-ffile-prefix-map={tmp_path}/home/registry/src/index=/usr/src/crates" in said["CFLAGS"]


def test_crates_that_are_not_there_yet_are_fetched_first(at, tmp_path):
    said = told(at | {"FETCHED": "index"})
    assert f"--remap-path-prefix={tmp_path}/home/registry/src/index=/usr/src/crates" in said["RUSTFLAGS"]


def test_it_is_called_by_another_name(at, tmp_path):
    (tmp_path / "build").symlink_to(PACKAGING / "build")
    said = told(at, "--quiet", script=tmp_path / "build", cwd=tmp_path)
    assert said["PWD"] == str(REPOSITORY)
    assert said["CARGO_TARGET_DIR"] == f"{REPOSITORY}/target/package"
    assert said["ARGUMENTS"].endswith(" --quiet")


def test_without_a_home_cargos_files_are_where_cargo_has_them(at):
    home = pwd.getpwuid(os.getuid()).pw_dir
    said = told({key: value for key, value in at.items() if key not in ("HOME", "CARGO_HOME")})
    assert said["CARGO_HOME"] == f"{home}/.cargo"


def test_flags_are_kept(at):
    assert told(at | {"RUSTFLAGS": "-Cone -Ctwo"})["RUSTFLAGS"].startswith("-Cone -Ctwo --remap-path-prefix=")
    # cargo would take these, and none that are added to RUSTFLAGS.
    said = told(at | {"CARGO_ENCODED_RUSTFLAGS": "-C\x1fthree", "RUSTFLAGS": "-Cone"})
    assert said["RUSTFLAGS"].startswith("-C three --remap-path-prefix=")
    assert "CARGO_ENCODED_RUSTFLAGS" not in said
    assert told(at | {"CFLAGS": "-O1"})["CFLAGS"].startswith("-O1 -ffile-prefix-map=")


def test_a_panic_does_not_abort(at):
    assert told(at | {"CARGO_PROFILE_RELEASE_PANIC": "abort"})["CARGO_PROFILE_RELEASE_PANIC"] == "unwind"


def test_a_time_is_nothing_to_it(at):
    assert "SOURCE_DATE_EPOCH" not in told(at | {"SOURCE_DATE_EPOCH": "1000000000"})


@pytest.mark.parametrize("variable", ["CARGO_TARGET_DIR", "CARGO_HOME"])
def test_white_space_in_a_path_is_refused(at, tmp_path, variable):
    place = tmp_path / "a place"
    (place / "registry/src/index").mkdir(parents=True)
    said = refused(at | {variable: str(place)})
    assert f"packaging/build: {place}" in said and "has white space in it" in said


def test_a_flag_with_white_space_is_refused(at):
    assert "CARGO_ENCODED_RUSTFLAGS has a flag with white space" in refused(
        at | {"CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fa = b"}
    )


def test_a_target_of_cargos_configuration_is_refused(at, tmp_path):
    """It would move the programs; one that is asked for is known to who asks."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/config.toml").write_text('[build]\ntarget = "x86_64-unknown-linux-musl"\n')
    assert 'has build.target = "x86_64-unknown-linux-musl"' in refused(at)
    assert "--target other" in told(at, "--target", "other")["ARGUMENTS"]


# --- installing --------------------------------------------------------------------------------


def test_where_things_are_installed_is_the_callers_to_say(tmp_path):
    """And not a place in the source."""
    (tmp_path / "made").mkdir()
    for program in ("supervisord", "supervisorctl", "pidproxy", "echo_supervisord_conf"):
        (tmp_path / "made" / program).write_text(program)
    (tmp_path / "install").symlink_to(REPOSITORY / "systemd/install")
    before = set(REPOSITORY.iterdir())
    for script, tree in ((PACKAGING / "install", "one"), (REPOSITORY / "systemd/install", "two"),
                         (tmp_path / "install", "three")):  # fmt: skip
        run(script, cwd=tmp_path, env=ENVIRONMENT | {"DESTDIR": tree, "BINARIES": "made"})
        assert (tmp_path / tree / "usr/bin/supervisord").read_text() == "supervisord"
        assert (tmp_path / tree / "etc/supervisor/supervisord.conf").exists()
        at = ENVIRONMENT | {"DESTDIR": tree, "PROGRAMS": "/etc/supervisor.d/*.ini"}
        run(PACKAGING / "relocate", cwd=tmp_path, env=at)
        assert (tmp_path / tree / "etc/supervisord.conf").exists()
    assert set(REPOSITORY.iterdir()) == before


def test_what_is_not_built_is_not_installed(tmp_path):
    done = subprocess.run(
        [REPOSITORY / "systemd/install"], cwd=tmp_path, capture_output=True, text=True,
        env=ENVIRONMENT | {"DESTDIR": "tree", "BINARIES": "made"},
    )  # fmt: skip
    assert done.returncode == 1
    assert f"it is not in {tmp_path}/made" in done.stderr
    assert Path(tmp_path, "made").exists() is False
