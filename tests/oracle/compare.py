"""Takes out of an observation what no two runs share, and finds where two runs differ."""

import difflib
import json
import re
from dataclasses import asdict, is_dataclass

PATTERNS = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"), "<time>"),
    (re.compile(r"\bpid(:?) [1-9]\d*"), r"pid\1 <pid>"),
    (re.compile(r"\bpid(:?) 0\b"), r"pid\1 0"),
    (re.compile(r"unknown pid \d+"), "unknown pid <pid>"),
    (re.compile(r"(killing '[^']*') \(\d+\)"), r"\1 (<pid>)"),
    (re.compile(r"uptime (\d+ days?, )?\d+:\d\d:\d\d"), "uptime <time>"),
    (re.compile(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M"), "<date>"),
    # supervisorctl shows an exception of Python's with its class, file and line; ours says what
    # went wrong. That it is an error counts, once.
    (re.compile(r"^(Server requires authentication\n)error: .*\n", re.M), r"\1"),
    (re.compile(r"^error: .*$", re.M), "error: <what>"),
    # What is wrong with a request is said in other words.
    (re.compile(r"request data .* is invalid: .*"), "request data <data> is invalid: <why>"),
    # An automatic log's name ends in eight characters of chance.
    (re.compile(r"(---[\w.-]+?)-\w{8}\.log"), r"\1-<chance>.log"),
]

TIMES = {"start", "stop", "now"}
"""Fields that hold a time: whether it is set is compared, not the time."""


def normalise(value, world):
    """The value as both sides should have it: no directory, pid, port or time of one run."""
    if is_dataclass(value):
        value = {"is": type(value).__name__, **asdict(value)}
    if isinstance(value, dict):
        return {key: field(key, item, world) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [normalise(item, world) for item in value]
        return sorted(items, key=repr) if items and all(map(is_result, items)) else items
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return text(value, world)
    return value


def is_result(value) -> bool:
    """Whether it is one of the results of a call for many, which come in order of completion."""
    return isinstance(value, dict) and set(value) == {"name", "group", "status", "description"}


def field(key, value, world):
    if key in TIMES and isinstance(value, int):
        return "<time>" if value > 0 else value
    if key == "pid" and isinstance(value, int):
        return "<pid>" if value > 0 else value
    return normalise(value, world)


def text(value: str, world) -> str:
    value = value.replace(str(world.dir), "<dir>").replace(str(world.port), "<port>")
    for pattern, instead in PATTERNS:
        value = pattern.sub(instead, value)
    return value


NAMED = re.compile(r"(?:spawned: '|success: |exited: |stopped: |gave up: |killing ')([\w.:-]+)")

# Ours says that somebody could not log in; the reference is silent.
LOGINS = re.compile(r"WARN (a login|logins) from ")

# Ours warns of more in a configuration file, each with its place. What must be warned of has
# scenarios of its own.
WARNS = re.compile(
    r"WARN (\S+:\d+: \[|No file matches via include|For \[program:|Supervisord is running as root and)"
)

# Which of its grandchildren a supervisor reaps depends on whether it is their subreaper.
REAPED = re.compile(r"INFO reaped unknown pid ")

WAITING = re.compile(r"INFO waiting for .* to (stop|die)$")

AT_ONCE = "has stayed up for > than 0 seconds"


def by_chance(line: str, seen: set[str]) -> bool:
    """Whether a line is there by chance: the reference says that it waits for a stop only where
    it happened to look before the process was reaped, and again for as long as it waits; and
    with startsecs=0 it says that a process runs only where it looked before its exit."""
    if AT_ONCE in line or LOGINS.search(line) or WARNS.search(line) or REAPED.search(line):
        return True
    found = WAITING.search(line)
    if not found:
        return False
    again = found.group(1) in seen
    seen.add(found.group(1))
    return again or found.group(1) == "stop"


def without_chance(lines: list[str]) -> list[str]:
    """The lines that must be there."""
    seen: set[str] = set()
    return [names_sorted(line) for line in lines if not by_chance(line, seen)]


def names_sorted(line: str) -> str:
    """The programs waited for in alphabetical order: the reference has the order of adding."""
    head, waiting, names = line.partition("INFO waiting for ")
    if not waiting or not names.endswith(" to die"):
        return line
    return f"{head}{waiting}{', '.join(sorted(names.removesuffix(' to die').split(', ')))} to die"


def by_program(lines: list[str]) -> dict[str, list[str]]:
    """Log lines by the program they are about: order across programs is chance."""
    sorted_out: dict[str, list[str]] = {}
    for line in lines:
        found = NAMED.search(line)
        sorted_out.setdefault(found.group(1) if found else "", []).append(line)
    return dict(sorted(sorted_out.items()))


def differences(reference: list, ours: list) -> dict[str, tuple]:
    """What was observed differently: key to the two values, in the order observed."""
    found = {}
    for (key, left), (_, right) in zip(reference, ours, strict=True):
        if left != right:
            found[key] = (left, right)
    return found


def shown(key: str, both: tuple) -> str:
    """A difference as a person wants to read it."""
    lines = [json.dumps(value, indent=1, ensure_ascii=False).splitlines() for value in both]
    if max(map(len, lines)) < 3:
        return f"{key}\n  reference: {both[0]!r}\n  ours:      {both[1]!r}"
    changes = difflib.unified_diff(*lines, "reference", "ours", lineterm="", n=2)
    return "\n".join([key, *(f"  {line}" for line in changes)])
