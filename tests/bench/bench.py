"""Measures ours beside Supervisor 4.3 and beside physical floors; prints a table of Markdown."""

import argparse
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from machine import (
    conf, context_switches, cpu_seconds, daemon, description, pss_megabytes, raise_limits, until,
)

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
REFERENCE = Path(sys.prefix) / "bin" / "supervisord"

WRITE_BYTES = 50_000
LINE_BYTES = 200
CHUNK_LINE_BYTES = 50


@dataclass
class Bench:
    """What a measurement needs: the tools, a directory, and how long to take."""

    tools: Path
    dir: Path
    quick: bool

    def tool(self, name: str, *arguments, **keys) -> str:
        done = subprocess.run([self.tools / name, *map(str, arguments)], check=True, capture_output=True, text=True, **keys)
        return done.stdout.strip()


@dataclass
class Row:
    """One line of the table. A measurement is one run and yields a number for each part of its
    figure; the table shows the median of the runs, in which the sides take turns."""

    figure: str
    parts: list[str]  # the unit of each part; "+" behind it where more is better
    reach: str
    measure: Callable[[Bench, Path], list[float]]
    floor: Callable[[Bench], list[float]] | None = None
    floor_is: str = ""
    runs: int = 5
    found: dict[str, list[float]] = field(default_factory=dict)


# --- starting --------------------------------------------------------------------------------


def first_answer(bench: Bench, supervisord: Path) -> list[float]:
    path = conf(bench.dir / "d", "")
    return [float(bench.tool("load", "first", bench.dir / "d/s.sock", supervisord, "-n", "-s", "-c", path))]


def born(bench: Bench, count: int, keys: str = "") -> str:
    return (f"[program:b]\ncommand={bench.tools}/born {bench.dir}/born\nnumprocs={count}\n"
            f"process_name=b%(process_num)d\n{keys}\n")


def births(bench: Bench) -> list[int]:
    """The times at which programs came to their main(), in nanoseconds."""
    path = bench.dir / "born"
    data = path.read_bytes() if path.exists() else b""
    return [at for (at,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8])]


def forget_births(bench: Bench) -> None:
    (bench.dir / "born").unlink(missing_ok=True)


def all_born(bench: Bench, count: int) -> Callable[[], bool]:
    path = bench.dir / "born"
    return lambda: path.exists() and path.stat().st_size >= count * 8


def thousand(bench: Bench, supervisord: Path) -> list[float]:
    forget_births(bench)
    with daemon(supervisord, bench.dir / "d", born(bench, 1000)) as running:
        until(all_born(bench, 1000), "1,000 programs", every=0.02)
        return [(max(births(bench)) - running.began) / 1e9]


def loop(bench: Bench) -> tuple[float, float]:
    """Starts a thousand programs in a bare loop and ends them: seconds to the last one's main(),
    and milliseconds until all were waited for."""
    forget_births(bench)
    with subprocess.Popen([bench.tools / "spawn", "1000", bench.tools / "born", bench.dir / "born"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as spawned:
        began = int(spawned.stdout.readline())
        until(all_born(bench, 1000), "1,000 programs", every=0.02)
        took = (max(births(bench)) - began) / 1e9
        ended, _ = spawned.communicate("\n")
        return took, float(ended)


def spawn_floor(bench: Bench) -> list[float]:
    return [loop(bench)[0]]


# --- resting ---------------------------------------------------------------------------------


def memory(bench: Bench, supervisord: Path) -> list[float]:
    found = []
    for count in (0, 1000):
        forget_births(bench)
        with daemon(supervisord, bench.dir / "d", born(bench, count) if count else "") as running:
            until(lambda: all_born(bench, count)() if count else True, "the programs", every=0.02)
            settled(running, count)
            # What was asked for until now is kept for a second.
            time.sleep(2)
            found.append(pss_megabytes(running.pid))
    return found


def settled(running, count: int) -> None:
    """Waits until all programs run."""
    def fact():
        return sum(info["statename"] == "RUNNING" for info in running.rpc().getAllProcessInfo()) >= count
    until(fact, f"{count} programs to run", every=0.5)


def idle(bench: Bench, supervisord: Path) -> list[float]:
    forget_births(bench)
    with daemon(supervisord, bench.dir / "d", born(bench, 100)) as running:
        settled(running, 100)
        time.sleep(2)  # what is measured is time itself
        seconds = 5 if bench.quick else 20
        cpu, switches = cpu_seconds(running.pid), context_switches(running.pid)
        time.sleep(seconds)
        scale = 20 / seconds
        return [(cpu_seconds(running.pid) - cpu) * 1e3 * scale, (context_switches(running.pid) - switches) * scale]


def replacement(bench: Bench, supervisord: Path) -> list[float]:
    forget_births(bench)
    times = []
    with daemon(supervisord, bench.dir / "d", born(bench, 1, "autorestart=true\nstartsecs=0")) as running:
        rpc = running.rpc()
        for turn in range(6 if bench.quick else 50):
            until(all_born(bench, turn + 1), "the program's main()", every=0.001)
            until(lambda: rpc.getProcessInfo("b:b0")["statename"] == "RUNNING", "the program to run")
            pid = rpc.getProcessInfo("b:b0")["pid"]
            # A program that lived for a while, and not in step with a loop that turns every second.
            time.sleep(random.uniform(1.1, 2.1))
            killed = time.monotonic_ns()
            subprocess.os.kill(pid, 9)
            until(all_born(bench, turn + 2), "its replacement", every=0.001)
            times.append((births(bench)[-1] - killed) / 1e6)
    return [median(times), quantiles(times, n=100, method="inclusive")[98]]


# --- answering -------------------------------------------------------------------------------


def states(bench: Bench, supervisord: Path) -> list[float]:
    with daemon(supervisord, bench.dir / "d") as running:
        return [rate(bench, running, "getState", count) for count in (1, 32)]


def rate(bench: Bench, running, method: str, connections: int, seconds: float = 0.0) -> float:
    seconds = seconds or (1 if bench.quick else 3)
    return float(bench.tool("load", "calls", running.socket, method, connections, seconds))


def round_trips(bench: Bench) -> list[float]:
    path = bench.dir / "echo.sock"
    path.unlink(missing_ok=True)
    with subprocess.Popen([bench.tools / "load", "echo", path, "460"]):
        return [float(bench.tool("load", "rounds", path, 460, 1 if bench.quick else 3)), float("nan")]


def all_info(bench: Bench, supervisord: Path) -> list[float]:
    forget_births(bench)
    with daemon(supervisord, bench.dir / "d", born(bench, 1000)) as running:
        settled(running, 1000)
        return [rate(bench, running, "getAllProcessInfo", 1, seconds=4 if bench.quick else 8)]


def stop_all(bench: Bench, supervisord: Path) -> list[float]:
    forget_births(bench)
    with daemon(supervisord, bench.dir / "d", born(bench, 1000, "startsecs=0")) as running:
        until(all_born(bench, 1000), "1,000 programs", every=0.02)
        settled(running, 1000)
        # Python takes 50 ms to read an answer of a thousand structs; that is not what is measured.
        took, _, answer = bench.tool("load", "once", running.socket, "stopAllProcesses").partition("\n")
        ((results,), _) = xmlrpc.client.loads(answer)
        if len(results) != 1000 or any(result["status"] != 80 for result in results):
            raise RuntimeError(f"not all stopped: {results[:3]}")
        return [float(took)]


def kill_floor(bench: Bench) -> list[float]:
    return [loop(bench)[1]]


# --- logs ------------------------------------------------------------------------------------


def amount(bench: Bench) -> int:
    # Enough that neither side's start counts: a file's first blocks, the first pages of a pipe.
    return 500_000_000 if bench.quick else 1_000_000_000


def capture(bench: Bench, supervisord: Path, line: int, chunk: int, keys: str) -> list[float]:
    """MB/s at the writer, and the daemon's CPU seconds for each GB. Every line is checked."""
    report, log = bench.dir / "report", bench.dir / "d/out.log"
    report.unlink(missing_ok=True)
    program = (f"[program:w]\ncommand={bench.tools}/lines write {line} {chunk} {amount(bench)} {report}\n"
               f"autostart=false\nstartsecs=0\nstdout_logfile={log}\n{keys}\n")
    with daemon(supervisord, bench.dir / "d", program) as running:
        cpu = cpu_seconds(running.pid)
        running.rpc().startProcess("w")
        until(report.exists, "the writer", every=0.01)
        seconds, lines = report.read_text().split()
        until(lambda: drained(log, line, int(lines)), "the last line", every=0.01)
        spent = cpu_seconds(running.pid) - cpu
        backups = [path for n in range(99, 0, -1) if (path := Path(f"{log}.{n}")).exists()]
        bench.tool("lines", "check", line, lines, *backups, log)
        written = int(lines) * line
        return [written / 1e6 / float(seconds), spent / (written / 1e9)]


def drained(log: Path, line: int, lines: int) -> bool:
    """Whether the newest log file that holds anything ends with the last line."""
    last = str(lines - 1).zfill(line - 1).encode() + b"\n"
    for path in (log, Path(f"{log}.1")):
        if path.exists() and path.stat().st_size:
            with open(path, "rb") as file:
                file.seek(max(0, path.stat().st_size - line))
                return file.read() == last
    return False


def cat(bench: Bench, line: int, chunk: int) -> list[float]:
    """The floor: the writer's pipe into cat into a file."""
    report, log = bench.dir / "report", bench.dir / "cat.log"
    report.unlink(missing_ok=True)
    command = [bench.tools / "lines", "write", str(line), str(chunk), str(amount(bench)), str(report)]
    with open(log, "wb") as out, subprocess.Popen(command, stdout=subprocess.PIPE) as writer, \
            subprocess.Popen(["cat"], stdin=writer.stdout, stdout=out) as reader:
        writer.stdout.close()
        until(report.exists, "the writer", every=0.01)
        seconds, lines = report.read_text().split()
        until(lambda: drained(log, line, int(lines)), "the last line", every=0.01)
        spent = cpu_seconds(reader.pid)
        writer.kill()
    log.unlink()
    written = int(lines) * line
    return [written / 1e6 / float(seconds), spent / (written / 1e9)]


def chatter(bench: Bench, supervisord: Path) -> list[float]:
    program = (f"[program:p]\ncommand={bench.tools}/lines pace 100 1000\nnumprocs=200\nprocess_name=p%(process_num)d\n")
    with daemon(supervisord, bench.dir / "d", program) as running:
        settled(running, 200)
        seconds = 4 if bench.quick else 10
        cpu = cpu_seconds(running.pid)
        time.sleep(seconds)
        return [(cpu_seconds(running.pid) - cpu) / seconds * 100]


def by_line(bench: Bench, supervisord: Path, target: str, arrived: Callable[[], int]) -> list[float]:
    """MB/s at a writer whose output is made into lines, and which of a hundred lines arrived, once
    no more come."""
    if supervisord == REFERENCE:
        return [float("nan")] * 2  # it has neither formats nor system logs on other hosts
    report, total = bench.dir / "report", amount(bench) // 4
    report.unlink(missing_ok=True)
    program = (f"[program:w]\ncommand={bench.tools}/lines write {LINE_BYTES} {WRITE_BYTES} {total} {report}\n"
               f"autostart=false\nstartsecs=0\nstdout_logfile_maxbytes=0\n{target}\n")
    with daemon(supervisord, bench.dir / "d", program) as running:
        running.rpc().startProcess("w")
        until(report.exists, "the writer", every=0.01)
        seconds, lines = report.read_text().split()
        seen = [-1, 0]
        while seen[0] != seen[1]:
            time.sleep(0.5)
            seen = [seen[1], arrived()]
        return [int(lines) * LINE_BYTES / 1e6 / float(seconds), seen[1] / int(lines) * 100]


def json_lines(bench: Bench, supervisord: Path) -> list[float]:
    log = bench.dir / "d/out.log"

    def arrived() -> int:
        with open(log, "rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 24), b""))

    return by_line(bench, supervisord, f"stdout_logfile={log}\nstdout_format=json", arrived)


def remote_lines(bench: Bench, supervisord: Path) -> list[float]:
    """A receiver on this host that reads as fast as it can."""
    count = [0]

    def receive() -> None:
        stream, _ = listener.accept()
        with stream:
            for data in iter(lambda: stream.recv(1 << 20), b""):
                count[0] += data.count(b" w ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=receive, daemon=True).start()
        port = listener.getsockname()[1]
        return by_line(bench, supervisord, f"stdout_logfile=syslog @tcp:127.0.0.1:{port}", lambda: count[0])


# --- events ----------------------------------------------------------------------------------


def listening(bench: Bench, events: str, more: str) -> str:
    heard = bench.dir / "heard"
    heard.unlink(missing_ok=True)
    return (f"[eventlistener:l]\ncommand={bench.tools}/listener {heard}\nevents={events}\n"
            f"buffer_size=1000000\nstartsecs=0\nstdout_logfile=NONE\n{more}\n")


def heard(bench: Bench) -> list[int]:
    """The times at which the listener had each event, in nanoseconds."""
    path = bench.dir / "heard"
    data = path.read_bytes() if path.exists() else b""
    return [at for (at,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8])]


def event_rate(bench: Bench, supervisord: Path) -> list[float]:
    """Events a second to one listener that answers at once, while more wait than it can take."""
    count = 20_000 if bench.quick else 100_000
    call = {"methodName": "supervisor.sendRemoteCommEvent", "params": ["bench", "x"]}
    with daemon(supervisord, bench.dir / "d", listening(bench, "REMOTE_COMMUNICATION", "")) as running:
        proxy = running.proxy()
        until(lambda: running.rpc().getProcessInfo("l")["statename"] == "RUNNING", "the listener to run")
        for _ in range(count // 1000):
            proxy.system.multicall([call] * 1000)
        until(lambda: len(heard(bench)) >= count, "every event", every=0.2)
        times = heard(bench)
        if len(times) != count:
            raise RuntimeError(f"{len(times)} events instead of {count}")
        return [(count - 1) / ((times[-1] - times[0]) / 1e9)]


def exit_told(bench: Bench, supervisord: Path) -> list[float]:
    """From the death of a program to the listener that has its event."""
    times = []
    program = "[program:p]\ncommand=/bin/cat\nautorestart=false\nstartsecs=0\nstdout_logfile=NONE"
    with daemon(supervisord, bench.dir / "d", listening(bench, "PROCESS_STATE_EXITED", program)) as running:
        rpc = running.rpc()
        for turn in range(10 if bench.quick else 200):
            until(lambda: rpc.getProcessInfo("p")["statename"] == "RUNNING", "the program to run")
            pid = rpc.getProcessInfo("p")["pid"]
            # Not in step with a loop that turns every second.
            time.sleep(random.uniform(0.02, 0.2))
            killed = time.monotonic_ns()
            subprocess.os.kill(pid, 9)
            until(lambda: len(heard(bench)) > turn, "its event", every=0.001)
            times.append((heard(bench)[turn] - killed) / 1e6)
            rpc.startProcess("p")
    return [median(times), quantiles(times, n=100, method="inclusive")[98]]


PLAIN, ROTATED = "stdout_logfile_maxbytes=0", "stdout_logfile_maxbytes=50MB\nstdout_logfile_backups=10"

ROWS = [
    Row("exec to the first getState answer, no programs", ["ms"], "6 ms", first_answer, runs=15),
    Row("1,000 programs: exec to the last one in its main()", ["s"], "1.5 x floor, aim 1.25 x", thousand, spawn_floor, "posix_spawn loop"),
    Row("PSS with 0 / with 1,000 idle programs", ["MB", "MB"], "5 / 9 MB", memory, runs=3),
    Row("CPU / context switches in 20 s, 100 idle programs", ["ms", ""], "0 / 0", idle, lambda bench: [0, 0], "an idle machine", runs=3),
    Row("kill -9 of a program to its replacement's main(), p50 / p99", ["ms", "ms"], "1.5 / 5 ms", replacement, runs=1),
    Row("getState per second, unix, 1 / 32 kept-alive connections", ["/s+", "/s+"], "0.85 x floor / 40,000", states, round_trips, "round trip of the machine"),
    Row("getAllProcessInfo per second, 1,000 programs, 1 connection", ["/s+"], "300, aim 1,000", all_info, runs=3),
    Row("log capture, 50 kB writes: at the writer / daemon's CPU for a GB", ["MB/s+", "s"], "0.95 x / 1.0 x cat",
        lambda bench, it: capture(bench, it, CHUNK_LINE_BYTES, WRITE_BYTES, PLAIN), lambda bench: cat(bench, CHUNK_LINE_BYTES, WRITE_BYTES), "cat > file", runs=3),
    Row("the same with rotation 50 MB x 10, every byte intact", ["MB/s+", "s"], "0.9 x our own without",
        lambda bench, it: capture(bench, it, CHUNK_LINE_BYTES, WRITE_BYTES, ROTATED), runs=3),
    Row(f"one write(2) a line of {LINE_BYTES} bytes: at the writer / daemon's CPU for a GB", ["MB/s+", "s"], "0.9 x / 1.0 x cat",
        lambda bench, it: capture(bench, it, LINE_BYTES, LINE_BYTES, PLAIN), lambda bench: cat(bench, LINE_BYTES, LINE_BYTES), "cat > file", runs=3),
    Row("log capture as lines of JSON: at the writer / lines in the file", ["MB/s+", "%+"], "all", json_lines, runs=3),
    Row("log capture to a system log over TCP: at the writer / lines that arrived", ["MB/s+", "%+"], "as JSON / the rest counted", remote_lines, runs=3),
    Row("200 programs at 1,000 lines/s: daemon's CPU", ["%"], "15 %", chatter),
    Row("events per second to one listener, none lost", ["/s+"], "20,000", event_rate, runs=3),
    Row("death of a program to its event at a listener, p50 / p99", ["ms", "ms"], "1 / 5 ms", exit_told, runs=1),
    Row("stopAllProcesses, 1,000 programs, all gone and answered", ["ms"], "100 ms", stop_all, kill_floor, "kill and wait loop"),
]


# --- the table -------------------------------------------------------------------------------


def shown(values: list[float] | None, parts: list[str]) -> str:
    if not values:
        return ""
    return " / ".join("-" if value != value else f"{number(value)} {part.rstrip('+')}".strip() for value, part in zip(values, parts))


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.3g}"


def ratio(ours: list[float] | None, other: list[float] | None, parts: list[str], gain: bool) -> str:
    """How many times better ours is (gain), or ours in multiples of the floor."""
    if not ours or not other:
        return ""
    found = []
    for mine, theirs, part in zip(ours, other, parts):
        above, below = (mine, theirs) if not gain or part.endswith("+") else (theirs, mine)
        found.append("-" if below == 0 or below != below or above != above else f"{above / below:.3g} x")
    return " / ".join(found)


def take(bench: Bench, row: Row, ours: Path) -> None:
    """Measures a row: run after run, each side in its turn, so that what disturbs disturbs all."""
    sides = {
        "reference": lambda: row.measure(bench, REFERENCE),
        "ours": lambda: row.measure(bench, ours),
        "floor": lambda: row.floor(bench) if row.floor else None,
    }
    runs: dict[str, list[list[float]]] = {side: [] for side in sides}
    for number in range(1 if bench.quick else row.runs):
        print(f"measuring: {row.figure}, run {number + 1}", file=sys.stderr, flush=True)
        for side, measure in sides.items():
            try:
                runs[side].append(measure())
            except (RuntimeError, subprocess.CalledProcessError, OSError) as error:
                print(f"  cannot measure {side}: {error} {getattr(error, 'stderr', '')}", file=sys.stderr)
    for side, found in runs.items():
        if found := [values for values in found if values]:
            row.found[side] = [median(part) for part in zip(*found)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each instead of medians")
    parser.add_argument("--only", action="append", default=[], help="only the rows whose name holds this word")
    parser.add_argument("--ours", type=Path, default=REPOSITORY / "target/package/release/supervisord")
    parser.add_argument("--directory", help="where logs are written (default: the temporary directory)")
    chosen = parser.parse_args()
    raise_limits()
    with tempfile.TemporaryDirectory(prefix="b", dir=chosen.directory) as directory:
        bench = Bench(Path(directory) / "tools", Path(directory), chosen.quick)
        bench.tools.mkdir()
        for source in sorted(HERE.glob("*.c")):
            subprocess.run(["cc", "-O2", "-Wall", "-D_GNU_SOURCE", "-o", bench.tools / source.stem, source], check=True)
        rows = [row for row in ROWS if not chosen.only or any(word in row.figure for word in chosen.only)]
        sides = {"reference": REFERENCE, "ours": chosen.ours.resolve()}
        for row in rows:
            take(bench, row, chosen.ours.resolve())
    print(f"Measured on {description()}" + (", one short run each.\n" if chosen.quick else ", medians of several runs.\n"))
    print("| figure | Supervisor 4.3 | ours | times better | floor | ours to floor | to reach |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        theirs, ours, floor = (row.found.get(side) for side in ("reference", "ours", "floor"))
        named = f"{shown(floor, row.parts)} ({row.floor_is})" if floor else ""
        cells = [row.figure, shown(theirs, row.parts) or "failed", shown(ours, row.parts) or "failed",
                 ratio(ours, theirs, row.parts, gain=True), named, ratio(ours, floor, row.parts, gain=False), row.reach]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
