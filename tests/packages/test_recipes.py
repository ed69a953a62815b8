"""The recipes of other distributions: what can be said of them without those distributions, and the
OpenRC script in a root of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from packages.source import ENVIRONMENT, PACKAGING, REPOSITORY, run, version

# Of a recipe, whoever reads it sets these variables, or reads what it sets.
RECIPES = {"arch/PKGBUILD": "bash", "alpine/APKBUILD": "busybox", "arch/supervisord.install": "bash",
           "alpine/supervisord.initd": "busybox", "alpine/supervisord.confd": "busybox"}
READ_ELSEWHERE = ["--exclude=SC2034,SC2154,SC2164"]


def scripts() -> list[Path]:
    """Every shell script in packaging/, by its first line."""
    files = [path for path in sorted(PACKAGING.rglob("*")) if path.is_file() and "recipe" not in path.parts]
    shells = (b"#!/bin/sh\n", b"#!/usr/bin/env bash\n")
    return [path for path in files if path.read_bytes().startswith(shells)]


@pytest.mark.parametrize("script", scripts(), ids=lambda path: str(path.relative_to(PACKAGING)))
def test_scripts_are_sound(script):
    run("shellcheck", script)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_are_sound(recipe):
    shell = RECIPES[recipe]
    # shellcheck's name for it is newer than Debian 12's shellcheck; it is a dash with `local`.
    run("shellcheck", f"--shell={'dash' if shell == 'busybox' else shell}", *READ_ELSEWHERE, PACKAGING / recipe)


def test_makepkg_reads_the_recipe(tmp_path):
    for name in ("PKGBUILD", "supervisord.install"):
        shutil.copy(PACKAGING / "arch" / name, tmp_path)
    user = {}
    if os.getuid() == 0:
        # makepkg refuses to be root.
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        for path in [tmp_path, *tmp_path.parents][:3]:
            os.chmod(path, 0o755)
        os.chown(tmp_path, 65534, 65534)
    # It looks for pacman, and does not call it for this.
    at = ENVIRONMENT | {"HOME": str(tmp_path), "PACMAN": "true"}
    told = run("makepkg", "--printsrcinfo", cwd=tmp_path, env=at, **user)
    lines = {line.strip() for line in told.splitlines()}
    assert {
        f"pkgver = {version()}", "provides = supervisor=4.3.0", "conflicts = supervisor",
        "backup = etc/supervisord.conf", f"source = supervisord-{version()}.tar.xz",
        "license = " + run(PACKAGING / "licences", "--expression").strip(),
    } <= lines  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory, ours):
    """What a recipe finds once it has built: the source, with the programs."""
    tree = tmp_path_factory.mktemp("recipe") / f"supervisord-{version()}"
    listed = run("git", "ls-files", "-z").strip("\0").split("\0")
    for name in listed:
        if (REPOSITORY / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tree / name)
    (tree / "target/package").mkdir(parents=True)
    (tree / "target/package/release").symlink_to(ours.supervisord.parent.resolve())
    (tree / "THIRD-PARTY").write_text("Licences\n")
    return tree


def packaged(recipe: str, shell: str, tree: Path, into: Path) -> set[str]:
    """What the recipe's package() puts where."""
    body = f'. {PACKAGING / recipe}; cd "$srcdir"; [ -z "$builddir" ] || cd "$builddir"; package'
    at = ENVIRONMENT | {"srcdir": str(tree.parent), "pkgdir": str(into)}
    if "APK" in recipe:
        at["builddir"] = str(tree)
    run(shell, "-euc", body if "APK" in recipe else f"builddir=; {body}", env=at)
    return {str(path.relative_to(into)) for path in into.rglob("*") if not path.is_dir() or not any(path.iterdir())}


EVERYWHERE = {
    "usr/bin/supervisord", "usr/bin/supervisorctl", "usr/bin/pidproxy", "usr/bin/echo_supervisord_conf",
    "usr/share/man/man8/supervisord.8", "usr/share/bash-completion/completions/supervisorctl",
    "usr/share/zsh/site-functions/_supervisorctl", "etc/supervisord.conf", "etc/supervisor.d",
    "usr/share/licenses/supervisord/LICENSE", "usr/share/licenses/supervisord/THIRD-PARTY",
    "usr/share/doc/supervisord/README.md",
}  # fmt: skip


def test_the_arch_package_has_the_configuration_where_arch_has_it(tree, tmp_path):
    files = packaged("arch/PKGBUILD", "bash", tree, tmp_path)
    assert EVERYWHERE <= files
    assert not [name for name in files if name.startswith("etc/supervisor/")]
    assert os.readlink(tmp_path / "usr/lib/systemd/system/supervisor.service") == "supervisord.service"
    unit = (tmp_path / "usr/lib/systemd/system/supervisord.service").read_text()
    assert "-c /etc/supervisord.conf\n" in unit
    assert "Also=" not in unit and "Alias=supervisor.service" not in unit
    assert "files=/etc/supervisor.d/*.ini\n" in (tmp_path / "etc/supervisord.conf").read_text()
    assert "/etc/supervisor.d " in (tmp_path / "usr/lib/tmpfiles.d/supervisord.conf").read_text()


def test_the_alpine_package_has_no_need_of_systemd(tree, tmp_path):
    files = packaged("alpine/APKBUILD", "dash", tree, tmp_path)
    assert EVERYWHERE | {"etc/init.d/supervisord", "etc/conf.d/supervisord"} <= files
    assert not [name for name in files if name.startswith(("usr/lib/", "etc/default", "etc/supervisor/"))]
    assert os.access(tmp_path / "etc/init.d/supervisord", os.X_OK)


def test_a_tree_that_is_not_what_it_was_is_not_relocated(tree, tmp_path):
    run(tree / "systemd/install", env=ENVIRONMENT | {"DESTDIR": str(tmp_path), "BINARIES": "none"})
    unit = tmp_path / "usr/lib/systemd/system/supervisord.service"
    unit.write_text(unit.read_text().replace("/etc/supervisor/supervisord.conf", "/etc/other.conf"))
    at = ENVIRONMENT | {"DESTDIR": str(tmp_path), "PROGRAMS": "/etc/supervisor.d/*.ini"}
    done = subprocess.run([PACKAGING / "relocate"], env=at, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"cannot change {unit}" in done.stderr


# --- OpenRC ------------------------------------------------------------------------------------

LIFE = r"""
say() { echo "$1: $2"; }
ready() { timeout 60 sh -c 'until supervisorctl pid >/dev/null 2>&1; do :; done'; }
running() { supervisorctl status | while read -r name _; do printf '%s ' "$name"; done; }

echo '[program:one]
command=sleep 1000' >/etc/supervisor.d/one.ini
rc-service supervisord start >&2; say start $?
ready
rc-service supervisord status >&2; say status $?
say programs "$(running)"
say directory "$(stat -c '%U %a' /var/log/supervisor)"

echo '[program:two]
command=sleep 1000' >/etc/supervisor.d/two.ini
before=$(supervisorctl pid) one=$(supervisorctl pid one)
rc-service supervisord reload >&2; say reload $?
timeout 60 sh -c 'until supervisorctl pid two | grep -q "[1-9]"; do :; done'
say reloaded "$(running)"
say untouched "$([ "$before $one" = "$(supervisorctl pid) $(supervisorctl pid one)" ] && echo yes)"

echo '[program:three' >/etc/supervisor.d/three.ini
rc-service supervisord reload >&2; say 'reload of errors' $?
rc-service supervisord restart >&2; say 'restart of errors' $?
rc-service supervisord status >&2; say 'status after it' $?

rm /etc/supervisor.d/three.ini
rc-service supervisord stop >&2
chmod 770 /var/log/supervisor
rc-service supervisord start >&2; say 'start again' $?
ready
say 'directory again' "$(stat -c '%U %a' /var/log/supervisor)"
rc-service supervisord stop >&2; say stop $?
rc-service supervisord status >&2; say 'status at the end' $?
say left "$(ps -e -o comm= | grep -c -e sleep -e supervis)"
say files "$(ls /run)"
"""


@pytest.mark.skipif(os.getuid() != 0, reason="a root of its own takes root")
@pytest.mark.parametrize("conf_d", ["", 'supervisor="supervise-daemon"'])
def test_openrc_starts_reloads_and_stops_the_daemon(ours, conf_d):
    at = ENVIRONMENT | {"BINARIES": str(ours.supervisord.parent), "CONF_D": conf_d}
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
         REPOSITORY / "tests/packages/openrc", "sh", "-c", LIFE],
        env=at, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert dict(line.split(": ", 1) for line in done.stdout.splitlines()) == {
        "start": "0",
        "status": "0",
        "programs": "one ",
        "directory": "root 755",
        "reload": "0",
        "reloaded": "one two ",
        "untouched": "yes",
        "reload of errors": "1",
        # The service is not stopped for what could not be started again.
        "restart of errors": "1",
        "status after it": "0",
        "start again": "0",
        # Whose it is stays as an administrator made it.
        "directory again": "root 770",
        "stop": "0",
        "status at the end": "3",
        "left": "0",
        "files": "openrc",
    }, done.stderr
