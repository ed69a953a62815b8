"""The Debian package itself: what is in it, how it was built, what lintian thinks of it."""

import os
import re
import shutil
import subprocess
import tomllib

import pytest

from packages.conftest import REPOSITORY

PROGRAMS = ["echo_supervisord_conf", "pidproxy", "supervisorctl", "supervisord"]

GOLDEN = REPOSITORY / "tests" / "packages" / "debian-files"


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    """What the package would install, in a directory."""
    tree = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--extract", package.deb, tree], check=True)
    return tree


def field(package, name: str) -> str:
    return said("dpkg-deb", "--field", package, name)


def said(*command) -> str:
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_nothing_is_compiled_that_is_built_already(package):
    """The package holds the very programs that all other tests ran."""
    assert "Compiling" not in package.log, package.log


def test_cleaning_leaves_crates_whole(package):
    """Cargo has a checksum of each file of a vendored crate, Cargo.toml.orig among them."""
    kept = REPOSITORY / "target" / "packages" / "crate" / "Cargo.toml.orig"
    kept.parent.mkdir()
    kept.touch()
    said("make", "--directory", REPOSITORY, "--file", "debian/rules", "clean")
    assert kept.exists()


def test_a_source_package_has_nothing_that_was_built(tmp_path):
    """dpkg-source stops at a binary file that is not in the release's tarball."""
    tree = tmp_path / "supervisord"
    shutil.copytree(REPOSITORY / "debian", tree / "debian", ignore=shutil.ignore_patterns("supervisord"))
    (tree / "src").mkdir()
    version = said("dpkg-parsechangelog", "--file", tree / "debian" / "changelog", "--show-field", "Version")
    original = tmp_path / f"supervisord_{version.rsplit('-', 1)[0]}.orig.tar.gz"
    said("tar", "--create", "--gzip", "--file", original, "--directory", tmp_path, "supervisord/src")
    built = ["target/release/supervisord", "fuzz/target/x", "tests/.venv/bin/python",
             "tests/packages/__pycache__/x.pyc", "tests/.node/x"]
    for path in built:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(bytes(range(256)))
    subprocess.run(["dpkg-source", "--build", tree], cwd=tmp_path, check=True, capture_output=True)
    (debian,) = tmp_path.glob("*.debian.tar.xz")
    names = said("tar", "--list", "--file", debian)
    assert "debian/rules" in names and not any(path in names for path in built)
    # And that it can fail: a binary file elsewhere is refused.
    (tree / "src" / "target").write_bytes(bytes(range(256)))
    assert subprocess.run(["dpkg-source", "--build", tree], cwd=tmp_path, capture_output=True).returncode != 0


def test_copyright_says_what_is_linked():
    """debian/copyright has the licences of the crates, whatever changes among them."""
    copyright_ = " ".join((REPOSITORY / "debian" / "copyright").read_text().split())
    assert said(REPOSITORY / "packaging" / "licences", "--expression") in copyright_, "bring it up to date"


def test_it_is_the_version_of_cargo_toml(package):
    version = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["package"]["version"]
    assert field(package.deb, "Version").rsplit("-", 1)[0] == version


def test_it_takes_the_place_of_supervisor(package):
    assert field(package.deb, "Conflicts") == "supervisor"
    assert field(package.deb, "Replaces") == "supervisor"
    assert field(package.deb, "Provides") == "supervisor (= 4.3.0)"


def test_it_is_for_the_systemd_it_was_built_for(package, tmp_path):
    """Without the drop-in for an older one, an older one refuses it."""
    assert field(package.deb, "Breaks") == "systemd (<< 253~)"

    def breaks(installed: str) -> str:
        query = tmp_path / "dpkg-query"
        query.write_text(f"#!/bin/sh\n{installed}\n")
        query.chmod(0o755)
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        environment.pop("SYSTEMD_VERSION", None)
        return subprocess.run(
            ["make", "--silent", "--file", "debian/rules", "--eval", "say: ; @echo '$(breaks)'", "say"],
            cwd=REPOSITORY, env=environment, text=True, check=True, stdout=subprocess.PIPE,
        ).stdout.strip()

    assert breaks("echo installed 249.11-0ubuntu3.12") == ""
    assert breaks("echo installed 252.39-1~deb12u2; echo not-installed") == ""
    assert breaks("echo installed 257.8-1~deb13u2") == "systemd (<< 253~)"
    assert breaks("exit 1") == "systemd (<< 253~)"


def test_its_only_conffile_is_one_that_no_other_package_has(package):
    assert said("dpkg-deb", "--info", package.deb, "conffiles") == "/etc/default/supervisord"


def test_files_and_permissions(package):
    """Every file, against a list, but for manuals, completions and documents."""
    found = []
    for line in said("dpkg-deb", "--contents", package.deb).splitlines():
        mode, owner, _size, _day, _time, path = line.split(maxsplit=5)
        assert owner == "root/root", line
        found.append(f"{mode} {path.removeprefix('.')}")
    apart = re.compile(r" /usr/share/(man|bash-completion|fish|zsh|doc)(/|$)")
    golden = GOLDEN.read_text().splitlines()
    assert sorted(line for line in found if not apart.search(line)) == golden
    for line in found:
        mode = line.split()[0]
        assert mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx"), line
        assert mode != "-rwxr-xr-x" or " /usr/bin/" in line, line


def test_manuals_completions_documents(unpacked):
    share = unpacked / "usr" / "share"
    pages = sorted(page.name for page in (REPOSITORY / "packaging" / "man").glob("*.[1-8]"))
    assert sorted(page.name for page in share.glob("man/man*/*")) == [f"{page}.gz" for page in pages]
    for page in share.glob("man/man*/*"):
        assert page.parent.name == f"man{page.name.split('.')[-2]}"
    completions = [share / "bash-completion/completions" / name for name in ("supervisord", "supervisorctl")]
    completions += [share / "fish/vendor_completions.d" / f"{name}.fish" for name in ("supervisord", "supervisorctl")]
    completions += [share / "zsh/vendor-completions" / f"_{name}" for name in ("supervisord", "supervisorctl")]
    assert [path for path in completions if not path.is_file()] == []
    documents = share / "doc" / "supervisord"
    for document in (REPOSITORY / "docs").glob("*.md"):
        assert (documents / document.name).is_file(), "uncompressed: units name them"
    for name in ("README.md", "README.Debian", "copyright", "changelog.gz", "changelog.Debian.gz"):
        assert (documents / name).exists() or (documents / f"{name}.gz").exists(), name
    if (REPOSITORY / "packaging" / "licences").exists():
        text = next(documents.glob("THIRD-PARTY*"))
        assert text.stat().st_size > 10_000, "licences of all that is linked"


def test_the_units_of_the_package(unpacked):
    units = unpacked / "usr/lib/systemd/system"
    service = (units / "supervisord.service").read_text()
    assert "Also=" not in service and "Alias=supervisor.service" not in service, "debian/rules says why"
    assert "WantedBy=multi-user.target" in service
    assert "Alias=dbus-org.supervisord.Supervisor1.service" in service, "the bus starts that"
    assert (units / "supervisor.service").readlink().name == "supervisord.service"


@pytest.mark.parametrize("program", PROGRAMS)
def test_hardening(unpacked, program):
    path = unpacked / "usr" / "bin" / program
    assert "Type:                              DYN" in said("readelf", "--wide", "--file-header", path)
    dynamic = said("readelf", "--wide", "--dynamic", path)
    assert "PIE" in dynamic and "NOW" in dynamic, "position independent, bound at once"
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    segments = said("readelf", "--wide", "--program-headers", path)
    assert "GNU_RELRO" in segments
    (stack,) = [line for line in segments.splitlines() if "GNU_STACK" in line]
    assert " RW " in stack and "RWE" not in stack


@pytest.mark.parametrize("program", PROGRAMS)
def test_symbols_are_in_a_package_of_their_own(package, unpacked, program, tmp_path):
    path = unpacked / "usr" / "bin" / program
    assert ".debug_line" not in said("readelf", "--wide", "--section-headers", path)
    identity = re.search(r"Build ID: (\w+)", said("readelf", "--notes", path))[1]
    subprocess.run(["dpkg-deb", "--extract", package.symbols, tmp_path], check=True)
    symbols = tmp_path / f"usr/lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug"
    assert ".debug_line" in said("readelf", "--wide", "--section-headers", symbols)


def test_lintian(package):
    """Not a word, down to what is a matter of taste; debian/*.lintian-overrides has the reasons."""
    # Where another init runs, that starts the daemon by its own means. Suppressed here, because newer
    # lintians do not know the tag, and an override of what they do not know is an error to them.
    suppressed = "package-supports-alternative-init-but-no-init.d-script"
    done = subprocess.run(
        ["lintian", "--display-info", "--pedantic", "--fail-on", "error,warning,info,pedantic",
         "--suppress-tags", suppressed, package.changes],
        text=True, capture_output=True, check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
