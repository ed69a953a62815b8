"""What a release is made of: the version, the source tarball, the bill of materials, the licences."""

import json
import re
import shutil
import subprocess
import tarfile
import tomllib

import pytest

from packages.source import ENVIRONMENT, PACKAGING, REPOSITORY, epoch, is_checkout, run, tarball, version

needs_commits = pytest.mark.skipif(not is_checkout(), reason="this is no git checkout: nothing is made of it")


# --- the version -------------------------------------------------------------------------------


def test_every_place_says_the_same_version():
    run(PACKAGING / "version", "--check")


PLACES = {
    "Cargo.toml": 'version = "{}"',
    "Cargo.lock": 'name = "supervisord"\nversion = "{}"',
    "fuzz/Cargo.lock": 'name = "supervisord"\nversion = "{}"',
    "packaging/rpm/supervisord.spec": "Version:        {}",
    "packaging/arch/PKGBUILD": "pkgver={}",
    "packaging/alpine/APKBUILD": "pkgver={}",
    "debian/changelog": "supervisord ({}-1)",
    "CHANGELOG.md": "## {}",
}


@pytest.fixture
def copied(tmp_path):
    """The files that have the version in them, and the script that sets it."""
    for place in [*PLACES, "packaging/version"]:
        if (REPOSITORY / place).exists():
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / place, tmp_path / place)
    return tmp_path


def test_a_new_version_is_set_in_every_place(copied):
    changelog = copied / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## ", "## 9.8.7\n\n- New.\n\n## ", 1))
    run(copied / "packaging/version", "9.8.7", cwd=copied)
    assert run(copied / "packaging/version", cwd=copied) == "9.8.7\n"
    for place, line in PLACES.items():
        if (copied / place).exists():
            assert line.format("9.8.7") in (copied / place).read_text(), place
    spec = (copied / "packaging/rpm/supervisord.spec").read_text()
    assert re.search(r"%changelog\n\* .* - 9\.8\.7-1\n- .*\n\n\* ", spec)


@pytest.mark.parametrize("place", [place for place in PLACES if place != "Cargo.toml"])
def test_a_place_with_another_version_is_named(copied, place):
    if not (copied / place).exists():
        pytest.skip(f"there is no {place}")
    wrong = copied / place
    wrong.write_text(wrong.read_text().replace(PLACES[place].format(version()), PLACES[place].format("0.0.9"), 1))
    done = subprocess.run([copied / "packaging/version", "--check"], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{place} says 0.0.9, not {version()}" in done.stderr


def test_a_version_of_which_nothing_is_told_is_not_set(copied):
    before = (copied / "Cargo.toml").read_text()
    done = subprocess.run([copied / "packaging/version", "9.8.7"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "write what changed under `## 9.8.7` first" in done.stderr
    assert (copied / "Cargo.toml").read_text() == before


# --- the source tarball ------------------------------------------------------------------------


def git_settings(**settings: str) -> dict[str, str]:
    """What a user's configuration of git may say, as its environment."""
    told = {"GIT_CONFIG_COUNT": str(len(settings))}
    for i, (key, value) in enumerate(settings.items()):
        told |= {f"GIT_CONFIG_KEY_{i}": key.replace("_", "."), f"GIT_CONFIG_VALUE_{i}": value}
    return told


@needs_commits
def test_the_tarball_is_the_same_each_time(tmp_path):
    (tmp_path / "attributes").write_text("*.md export-ignore\n*.rs text eol=crlf\n")
    elsewhere = ENVIRONMENT | {"TZ": "Pacific/Auckland", "LC_ALL": "C", "HOME": ENVIRONMENT["HOME"] + "/."}
    elsewhere |= git_settings(core_autocrlf="true", core_eol="crlf", tar_umask="077",
                              core_attributesFile=str(tmp_path / "attributes"))  # fmt: skip
    run(PACKAGING / "vendor", "--uncompressed", tmp_path / "made", env=elsewhere, umask=0o077)
    (second,) = (tmp_path / "made").iterdir()
    assert second.name == f"supervisord-{version()}.tar"
    assert second.read_bytes() == tarball().read_bytes()


@needs_commits
def test_the_tarball_holds_the_commit_and_what_it_is_built_of():
    top = f"supervisord-{version()}"
    with tarfile.open(tarball()) as archive:
        members = archive.getmembers()
        cargo = archive.extractfile(f"{top}/.cargo/config.toml").read().decode()
        stub = archive.getmember(f"{top}/vendor/windows-sys-0.61.2/src/lib.rs")
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", epoch())}
    assert {oct(m.mode) for m in members} <= {"0o755", "0o644", "0o777"}
    names = {m.name.removeprefix(f"{top}/") for m in members if not m.isdir()}
    committed = set(run("git", "ls-tree", "-r", "--name-only", "-z", "HEAD").strip("\0").split("\0"))
    assert {name for name in names if not name.startswith("vendor/")} == committed | {".cargo/config.toml"}
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text())
    wanted = {f"{p['name']}-{p['version']}" for p in lock["package"] if "source" in p}
    assert {name.split("/")[1] for name in names if name.startswith("vendor/")} == wanted
    assert 'directory = "vendor"' in cargo
    # For another system: there by name alone.
    assert stub.size == 0


# --- the programs ------------------------------------------------------------------------------

DAEMON_BYTES_MAX = 8_000_000
"""The daemon as packages have it, stripped."""


def test_the_daemon_is_small(ours, tmp_path):
    if "release" not in ours.supervisord.resolve().parts:
        pytest.skip(f"{ours.supervisord} is no build as packages have it")
    run("strip", "-o", tmp_path / "supervisord", ours.supervisord)
    assert 1_000_000 < (tmp_path / "supervisord").stat().st_size < DAEMON_BYTES_MAX


def test_the_c_in_it_has_a_stack_protector(ours):
    if "release" not in ours.supervisord.resolve().parts:
        pytest.skip(f"{ours.supervisord} is no build as packages have it")
    assert " __stack_chk_fail@" in run("nm", "--dynamic", "--undefined-only", ours.supervisord)


# --- the bill of materials ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def bill():
    return json.loads(run(PACKAGING / "sbom"))


def test_the_bill_of_materials_follows_the_schema(bill):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_the_bill_of_materials_names_what_is_compiled(bill):
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text())
    sums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    found = {(c["name"], c["version"]): c for c in bill["components"] if c["purl"].startswith("pkg:cargo/")}
    for key, component in found.items():
        assert component["hashes"] == [{"alg": "SHA-256", "content": sums[key]}]
        assert component["licenses"][0]["expression"]
    names = {name: component["scope"] for (name, _), component in found.items()}
    direct = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
    assert set(direct["dependencies"]) <= set(names)
    assert all(names[name] == "required" for name in direct["dependencies"])
    # Compiles the C in ring, and is in no program.
    assert names["cc"] == "excluded"
    assert not set(direct["dev-dependencies"]) & set(names)
    # For another system.
    assert "windows-sys" not in names


def test_the_graph_of_dependencies_is_whole(bill):
    parts = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    edges = {d["ref"]: set(d["dependsOn"]) for d in bill["dependencies"]}
    assert set(edges) == parts
    assert set().union(*edges.values()) == parts - {bill["metadata"]["component"]["bom-ref"]}


def test_the_bill_of_materials_has_the_time_it_is_told():
    at = ENVIRONMENT | {"SOURCE_DATE_EPOCH": "1000000000"}
    first = run(PACKAGING / "sbom", env=at)
    assert run(PACKAGING / "sbom", env=at) == first
    assert json.loads(first)["metadata"]["timestamp"] == "2001-09-09T01:46:40Z"
    later = json.loads(run(PACKAGING / "sbom", env=at | {"SOURCE_DATE_EPOCH": "1000000001"}))
    assert later["serialNumber"] != json.loads(first)["serialNumber"]


# --- the licences ------------------------------------------------------------------------------


def test_the_licences_are_those_of_every_crate_that_is_linked(bill):
    text = run(PACKAGING / "licences")
    own = (REPOSITORY / "LICENSE").read_text()
    assert own in text
    headings = re.findall(r"^={78}\n(.*?)\n={78}$", text, re.MULTILINE | re.DOTALL)
    headed = {name for heading in headings for name in re.split(r",\s", heading)}
    for component in bill["components"]:
        name = f"{component['name']} {component.get('version', '')}".strip()
        if component["scope"] == "required":
            assert name in headed, f"{name} has no text"
    # One that many have stands there once.
    assert text.count("Copyright (c) Individual contributors") == 1


def test_recipes_name_the_licences_of_what_is_linked():
    expression = run(PACKAGING / "licences", "--expression").strip()
    assert f"License:        {expression}\n" in (PACKAGING / "rpm/supervisord.spec").read_text()
    assert f'license="{expression}"\n' in (PACKAGING / "alpine/APKBUILD").read_text()
    assert f"license=('{expression}')\n" in (PACKAGING / "arch/PKGBUILD").read_text()


@needs_commits
def test_the_tarball_tells_the_same_of_itself(tmp_path):
    run("tar", "-xf", tarball(), "-C", tmp_path)
    (tree,) = tmp_path.iterdir()
    at = ENVIRONMENT | {"CARGO_HOME": str(tmp_path / "cargo")}
    for tool in ("sbom", "licences"):
        assert run(tree / "packaging" / tool, cwd=tree, env=at) == run(f"{PACKAGING / tool}"), tool


# --- the release -------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path):
    if not is_checkout():
        pytest.skip("this is no git checkout: nothing is released from it")
    run("git", "clone", "--quiet", "--depth=1", f"file://{REPOSITORY}", tmp_path / "clone")
    return tmp_path / "clone"


def refused(clone) -> str:
    done = subprocess.run(
        [clone / "packaging/release"], cwd=clone, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (clone / "target").exists()
    return done.stderr


def commit(clone):
    run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "A change", cwd=clone)


def test_what_is_not_committed_is_not_released(clone):
    (clone / "src/lib.rs").write_text("")
    (clone / "note").write_text("")
    said = refused(clone)
    assert "not committed" in said
    assert "src/lib.rs" in said and "note" in said


def test_places_that_disagree_are_not_released(clone):
    recipe = clone / "packaging/arch/PKGBUILD"
    recipe.write_text(recipe.read_text().replace(f"pkgver={version()}", "pkgver=0.0.9"))
    commit(clone)
    assert "packaging/arch/PKGBUILD says 0.0.9" in refused(clone)


def test_a_version_of_which_nothing_is_told_is_not_released(clone):
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace(f"## {version()}", "## 0.0.9", 1))
    commit(clone)
    assert "CHANGELOG.md says 0.0.9" in refused(clone)
