"""A program on a terminal of its own, as a person would use it."""

import os
import pty
import select
import signal
import time

WAIT_SECONDS_MAX = 30.0


class Terminal:
    """Runs a command on a pseudo-terminal; reads until a text appears, types lines."""

    def __init__(self, command: list[str], cwd, env: dict[str, str]):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(command[0], command, {**env, "TERM": "dumb"})

    def expect(self, text: str) -> str:
        """Reads until the text has appeared; returns what came up to it and forgets it."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"waited in vain for {text!r}, saw {self.seen!r}"
            try:
                self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                raise AssertionError(f"ended without {text!r}, saw {self.seen!r}") from None
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def type(self, text: str) -> None:
        """Types a line."""
        os.write(self.fd, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Presses Ctrl-C."""
        os.write(self.fd, b"\x03")

    def end(self) -> int:
        """Reads what is left and waits for the end; returns the exit status."""
        try:
            while data := os.read(self.fd, 65536):
                self.seen += data.decode("utf-8", "replace")
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Ends the program if it still runs."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.end()
