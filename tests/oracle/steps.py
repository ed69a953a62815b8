"""The words that scenarios are written in. Each makes a Step."""

import os
import signal as signals
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace

from oracle import compare
from oracle.scenario import NOTHING, Step
from oracle.world import Fault, World


def quiet(key: str, act: Callable[[World], object]) -> Step:
    """A step of which nothing is compared."""

    def silently(world):
        act(world)
        return NOTHING

    return Step(key, silently)


# --- calls ---------------------------------------------------------------------------------


def call(method: str, *arguments) -> Step:
    """An XML-RPC call; its result or fault is compared."""
    full = method if "." in method else f"supervisor.{method}"
    shown = ", ".join(repr(a) for a in arguments)

    def act(world):
        answer = world.call(full, *arguments)
        if "start" in method or "addProcess" in method:
            world.settle()
        return answer

    return Step(f"{method}({shown})", act)


def silently(method: str, *arguments) -> Step:
    """An XML-RPC call that must succeed and of which nothing is compared."""

    def act(world):
        got = world.call(f"supervisor.{method}", *arguments)
        if isinstance(got, Fault):
            raise AssertionError(f"{method}{arguments}: {got}")
        world.settle()

    return quiet(f"{method}{arguments}", act)


def calls(*methods_and_arguments) -> list[Step]:
    """Several calls, each a tuple of a method and its arguments."""
    return [call(*each) for each in methods_and_arguments]


def field(name: str, *keys: str) -> Step:
    """Some fields of a process's info."""

    def act(world):
        info = world.info(name)
        return {key: info[key] for key in keys}

    return Step(f"{name}'s {', '.join(keys)}", act)


def ctl(line: str, stdin: str = "", conf: bool = True) -> Step:
    """supervisorctl with the words of `line`: its exit status and what it printed."""

    def act(world):
        done = world.ctl(*line.split(), stdin=stdin, conf=conf)
        if line.split()[0] in ("start", "restart", "add", "update"):
            world.settle()
        if "all" in line.split() or "*" in line:
            # Results for many come in order of completion.
            lines = sorted(done.stdout.splitlines(keepends=True))
            done = replace(done, stdout="".join(lines))
        return done

    return Step(f"ctl {line}", act)


def shell(*lines: str) -> Step:
    """supervisorctl's interactive shell, fed these lines."""
    typed = "".join(f"{line}\n" for line in lines)
    return Step(f"shell: {'; '.join(lines)}", lambda world: world.ctl(stdin=world.fill(typed)))


def http(method: str, target: str, body: str = "", **headers: str) -> Step:
    """A raw HTTP/1.0 request over the unix socket: status, and a few headers."""

    def act(world):
        return raw(world, socket.AF_UNIX, str(world.path("s.sock")), method, target, body, headers)

    return Step(f"{method} {target} {body[:40]}", act)


def inet(method: str, target: str, body: str = "", **headers: str) -> Step:
    """The same over the inet port."""

    def act(world):
        address = ("127.0.0.1", world.port)
        return raw(world, socket.AF_INET, address, method, target, body, headers)

    return Step(f"inet {method} {target} {body[:40]}", act)


def raw(world, family, address, method, target, body, headers) -> dict:
    lines = [f"{method} {target} HTTP/1.0"]
    if body and "Content_Length" not in headers:
        headers = {**headers, "Content_Length": str(len(body.encode()))}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with socket.socket(family) as connection:
        connection.settimeout(20)
        connection.connect(address)
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *rest = head.decode("latin-1").split("\r\n")
    named = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest if ": " in line)}
    kept = {name: named[name] for name in ("www-authenticate",) if name in named}
    result = {"status": int(status.split()[1]), **kept}
    if result["status"] == 200 and target.startswith("/RPC2"):
        result["body"] = "".join(content.decode().split())
    return result


# --- waiting -------------------------------------------------------------------------------


def wait(name: str, *states: str) -> Step:
    """Waits until a process is in one of the states."""
    return quiet(f"wait {name}", lambda world: world.wait_state(name, *states))


def running(*names: str) -> Step:
    """Waits until all these processes run."""
    return quiet("running", lambda w: [w.wait_state(name, "RUNNING") for name in names])


def wait_log(text: str, count: int = 1) -> Step:
    """Waits until the activity log holds a text so many times."""

    def act(world):
        wanted = world.fill(text)
        world.until(
            lambda: sum(wanted in line for line in world.activity()) >= count,
            f"{text!r} in the log {count} times",
        )

    return quiet(f"wait for {text}", act)


def wait_file(name: str, text: str = "", count: int = 1) -> Step:
    """Waits until a file exists and holds a text so many times."""

    def act(world):
        wanted = world.fill(text)

        def there():
            held = world.text(name)
            return held is not None and held.count(wanted) >= count

        world.until(there, f"{text!r} in {name}")

    return quiet(f"wait for {name}", act)


def wait_gone(name: str) -> Step:
    """Waits until a file does not exist."""
    return quiet(
        f"wait for {name} to go",
        lambda w: w.until(lambda: not w.path(name).exists(), f"{name} to go"),
    )


def exit_status() -> Step:
    """Waits for the daemon's end and compares its status."""
    return Step("the daemon's end", lambda world: world.exit_status())


# --- signals -------------------------------------------------------------------------------


def signal(name: str, number: signals.Signals) -> Step:
    """Sends a signal to a program behind the daemon's back."""
    return quiet(f"{number.name} to {name}", lambda w: os.kill(w.info(name)["pid"], number))


def daemon_signal(number: signals.Signals) -> Step:
    """Sends a signal to the daemon."""
    return quiet(f"{number.name} to the daemon", lambda w: os.kill(w.pid(), number))


# --- files ---------------------------------------------------------------------------------


def write(name: str, text: str, mode: int = 0o644) -> Step:
    """Writes a file in the world's directory."""

    def act(world):
        path = world.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(world.fill(text))
        path.chmod(mode)

    return quiet(f"write {name}", act)


def configure(text: str, **parts) -> Step:
    """Replaces the programs of the configuration file."""
    return quiet("configure", lambda world: world.configure(text, **parts))


def rename(old: str, new: str) -> Step:
    """Renames a file."""
    return quiet(f"{old} to {new}", lambda w: w.path(old).rename(w.path(new)))


def remove(name: str) -> Step:
    """Removes a file."""
    return quiet(f"remove {name}", lambda w: w.path(name).unlink())


def file(name: str) -> Step:
    """A file's text; None where there is none."""
    return Step(f"file {name}", lambda world: world.text(name))


def mode(name: str) -> Step:
    """A file's permissions."""
    return Step(f"mode of {name}", lambda w: oct(w.path(name).stat().st_mode & 0o7777))


def files(pattern: str) -> Step:
    """The names that match, and their sizes."""

    def act(world):
        return {str(p.relative_to(world.dir)): p.stat().st_size for p in world.dir.glob(pattern)}

    return Step(f"files {pattern}", lambda world: dict(sorted(act(world).items())))


def activity(contains: str = "") -> Step:
    """The activity log so far, or the lines that hold a text."""
    return Step(
        f"log of {contains}" if contains else "log so far",
        lambda world: [line for line in world.activity() if contains in line],
    )


def output() -> Step:
    """What the daemon printed so far, but what is there by chance."""
    lines = lambda world: compare.without_chance(world.text("daemon.out").splitlines())
    return Step("daemon's output", lines)


# --- the daemon's program ------------------------------------------------------------------


def run(*arguments: str) -> Step:
    """supervisord with these arguments, to its end."""
    return Step(f"supervisord {' '.join(arguments)}", lambda world: world.run(*arguments))


def refused(*arguments: str) -> Step:
    """supervisord that must refuse to start: its status, and that it said something."""

    def act(world):
        try:
            done = world.run(*(arguments or ("-n", "-c", "@DIR@/supervisord.conf")))
        except subprocess.TimeoutExpired:
            return "not refused"
        return {"exit": done.exit, "said something": bool(done.stdout.strip() + done.stderr.strip())}

    return Step(f"refused {' '.join(arguments)}", act)


def do(key: str, act: Callable[[World], object]) -> Step:
    """Anything else; what it returns is compared."""
    return Step(key, act)
