"""What the programs are made of, as cargo tells it: read by vendor, sbom and licences."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

# Where Linux runs and Rust is made for: what no build for one of these needs is left out of the
# source tarball. One more costs a few milliseconds and seldom another crate.
TARGETS = [
    "aarch64-unknown-linux-gnu",
    "aarch64-unknown-linux-musl",
    "arm-unknown-linux-gnueabi",
    "arm-unknown-linux-musleabihf",
    "armv7-unknown-linux-gnueabihf",
    "armv7-unknown-linux-musleabihf",
    "i686-unknown-linux-gnu",
    "i686-unknown-linux-musl",
    "loongarch64-unknown-linux-gnu",
    "loongarch64-unknown-linux-musl",
    "powerpc64le-unknown-linux-gnu",
    "powerpc64le-unknown-linux-musl",
    "riscv64gc-unknown-linux-gnu",
    "riscv64gc-unknown-linux-musl",
    "s390x-unknown-linux-gnu",
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
]


@dataclass
class Crate:
    """A package that a build compiles."""

    name: str
    version: str
    # "linked" into the programs; a "macro" that wrote code of theirs; or part of the "build" only.
    kind: str
    directory: Path
    licence: str
    # The licence's text, where the manifest names a file and not only an expression.
    licence_file: str | None
    authors: list[str]
    description: str
    repository: str
    # SHA-256 of the package as the registry has it.
    checksum: str | None
    depends: list[tuple[str, str]]

    @property
    def key(self) -> tuple[str, str]:
        return (self.name, self.version)


def output(*command: str) -> str:
    """What a command prints; where it fails, it has said why."""
    try:
        return subprocess.run(
            command, cwd=REPOSITORY, check=True, text=True, stdout=subprocess.PIPE
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{Path(sys.argv[0]).name}: cannot run {' '.join(command)}: {error}") from None


def offline() -> list[str]:
    """A source tarball has every crate with it; nothing else is asked then."""
    return ["--offline"] if (REPOSITORY / "vendor").is_dir() else []


def version() -> str:
    """The version, of which Cargo.toml is the source."""
    return tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["package"]["version"]


def epoch() -> int:
    """The time that everything made here bears, in seconds: that of the last commit, unless
    SOURCE_DATE_EPOCH says otherwise (https://reproducible-builds.org/specs/source-date-epoch/).
    A source tarball, which has no commits, has given its own to each of its files."""
    chosen = os.environ.get("SOURCE_DATE_EPOCH")
    if chosen:
        return int(chosen)
    if (REPOSITORY / ".git").exists():
        return int(output("git", "log", "-1", "--format=%ct"))
    return int((REPOSITORY / "Cargo.toml").stat().st_mtime)


def host() -> str:
    """The target that is built for where none is named."""
    for line in output("rustc", "-vV").splitlines():
        if line.startswith("host: "):
            return line.removeprefix("host: ")
    raise SystemExit("crates: rustc -vV names no host")


def metadata(*targets: str, manifest: Path = REPOSITORY / "Cargo.toml") -> dict:
    """The packages and their dependencies, as far as a build for one of the targets needs them, and
    the tests."""
    command = ["cargo", "metadata", "--locked", *offline(), "--format-version=1"]
    platforms = [f"--filter-platform={target}" for target in targets]
    return json.loads(output(*command, *platforms, "--manifest-path", str(manifest)))


def compiled(target: str) -> set[tuple[str, str]]:
    """Names and versions of what a build compiles. cargo metadata says a little more than that:
    it joins the features of all kinds of dependencies."""
    lines = output(
        "cargo", "tree", "--locked", *offline(), "--edges=normal,build", "--target", target,
        "--prefix=none", "--no-dedupe", "--format={p}",
    ).splitlines()  # fmt: skip
    words = [line.split() for line in lines if line.strip()]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def crates(target: str) -> tuple[Crate, list[Crate]]:
    """The package itself, and all others that a build of its programs compiles, sorted."""
    told = metadata(target)
    wanted = compiled(target)
    packages = {package["id"]: package for package in told["packages"]}
    packages = {i: p for i, p in packages.items() if (p["name"], p["version"]) in wanted}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"] if node["id"] in packages}
    root = told["resolve"]["root"]

    def has(package: str, kind: str) -> bool:
        return any(kind in target["kind"] for target in packages[package]["targets"])

    def edges(package: str, kinds: set[str | None]) -> list[str]:
        if not has(package, "custom-build"):
            # What a build script would need, and there is none.
            kinds = kinds - {"build"}
        return [
            dependency["pkg"]
            for dependency in nodes[package]["deps"]
            if dependency["pkg"] in packages
            and any(kind["kind"] in kinds for kind in dependency["dep_kinds"])
        ]

    def reached(kinds: set[str | None], through_macros: bool) -> set[str]:
        found, ahead = set(), [root]
        while ahead:
            package = ahead.pop()
            if package not in found:
                found.add(package)
                if through_macros or not has(package, "proc-macro"):
                    ahead.extend(edges(package, kinds))
        return found

    in_programs = reached({None}, through_macros=False)
    needed = reached({None, "build"}, through_macros=True)

    def kind(package: str) -> str:
        if package not in in_programs:
            return "build"
        return "macro" if has(package, "proc-macro") else "linked"

    sums = checksums()

    def crate(package: str) -> Crate:
        said = packages[package]
        depends = {
            (packages[other]["name"], packages[other]["version"])
            for other in edges(package, {None, "build"})
        }
        return Crate(
            name=said["name"],
            version=said["version"],
            kind=kind(package),
            directory=Path(said["manifest_path"]).parent,
            licence=expression(said["license"] or ""),
            licence_file=said["license_file"],
            authors=said["authors"],
            description=" ".join((said["description"] or "").split()),
            repository=said["repository"] or "",
            checksum=sums.get((said["name"], said["version"])),
            depends=sorted(depends),
        )

    others = [crate(package) for package in needed if package != root]
    return crate(root), sorted(others, key=lambda crate: crate.key)


def checksums() -> dict[tuple[str, str], str]:
    """SHA-256 of each package, out of Cargo.lock."""
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text())
    return {
        (package["name"], package["version"]): package["checksum"]
        for package in lock["package"]
        if "checksum" in package
    }


def expression(licence: str) -> str:
    """The licence as SPDX writes it: older crates have a slash for OR."""
    return " OR ".join(part.strip() for part in licence.split("/"))


@dataclass
class Runtime:
    """What is linked in and is no package of cargo's."""

    name: str
    version: str
    description: str
    licence: str
    holder: str

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip()


def runtimes(target: str) -> list[Runtime]:
    """The standard library, and for a static program the C library, as rustup ships it."""
    release = output("rustc", "-vV").split("release: ", 1)[1].split()[0]
    found = [
        Runtime(
            "rust-std",
            release,
            "The standard library of Rust, and the crates in it",
            "MIT OR Apache-2.0",
            "The Rust Project Contributors",
        )
    ]
    if target.endswith("-musl") or "-musleabi" in target:
        found.append(
            Runtime("musl", "", "The C library", "MIT", "2005-2025 Rich Felker, et al.")
        )
    return found
