"""pidproxy: signals reach the process in the pidfile, and the command's end is its own."""

import signal
import subprocess

import pytest

# Says what it gets; on TERM it ends with 4.
DAEMON = """
trap 'echo HUP' HUP; trap 'echo USR1' USR1; trap 'echo TERM; exit 4' TERM
echo ready; while :; do read line <&3; done 3<>"$1"
"""


@pytest.fixture
def pidproxy(ours):
    return ours.supervisord.with_name("pidproxy")


def ended(*command) -> int:
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode


def test_it_ends_with_the_commands_status(pidproxy, tmp_path):
    pidfile = tmp_path / "pid"
    assert ended(pidproxy, pidfile, "sh", "-c", "exit 7") == 7
    assert ended(pidproxy, pidfile, "sh", "-c", "kill -9 $$") == 137
    assert ended(pidproxy, pidfile, "/nonexistent/command") == 127
    assert ended(pidproxy, pidfile, tmp_path) == 126
    assert ended(pidproxy, pidfile) == 1
    assert ended(pidproxy, "--help") == 0


def test_signals_go_to_the_process_in_the_pidfile(pidproxy, tmp_path):
    pidfile, fifo = tmp_path / "pid", tmp_path / "fifo"
    subprocess.run(["mkfifo", fifo], check=True)
    other = subprocess.Popen(["sh", "-c", DAEMON, "sh", fifo], stdout=subprocess.PIPE, text=True)
    proxy = None
    try:
        assert other.stdout.readline() == "ready\n"
        pidfile.write_text(f"{other.pid}\n")
        proxy = subprocess.Popen([pidproxy, pidfile, "cat"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        proxy.stdin.write("it runs\n")
        proxy.stdin.flush()
        assert proxy.stdout.readline() == "it runs\n"
        for name in ("HUP", "USR1", "TERM"):
            proxy.send_signal(getattr(signal, f"SIG{name}"))
            assert other.stdout.readline() == f"{name}\n"
        assert other.wait(20) == 4
        assert proxy.poll() is None, "the command runs on, and so does its proxy"
        proxy.stdin.close()
        assert proxy.wait(20) == 0
    finally:
        for process in filter(None, (other, proxy)):
            process.kill()
            process.wait()


@pytest.mark.parametrize("content", [None, "", "x", "0", "1", "-1"])
def test_where_the_pidfile_names_nobody_the_command_gets_the_signal(pidproxy, tmp_path, content):
    pidfile = tmp_path / "pid"
    if content is not None:
        pidfile.write_text(content)
    proxy = subprocess.Popen([pidproxy, pidfile, "sh", "-c", "echo up; exec cat"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert proxy.stdout.readline() == b"up\n"
        proxy.send_signal(signal.SIGTERM)
        assert proxy.wait(20) == 128 + signal.SIGTERM
        assert b"SIGTERM" in proxy.stderr.read()
    finally:
        proxy.kill()
        proxy.wait()
