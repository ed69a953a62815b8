"""What the tests of other people's programs share: worlds for them, mail, and how they are run."""

import socketserver
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

from oracle.world import Output, World, free_port

BIN = Path(sys.prefix) / "bin"
"""Where the clients that are Python packages have their programs."""

PROGRAMS = Path(__file__).parent / "programs"
"""What the clients watch, and the few lines that drive a client which is a library."""

CLIENT_SECONDS_MAX = 120.0
"""How long a client that ends by itself may take on a busy machine."""

ANSWER_SECONDS_MAX = 2.0
"""How long a test waits for a program's own HTTP server."""

INET = "[inet_http_server]\nport=127.0.0.1:@PORT@\n"

SENDMAIL = """\
#!/bin/sh
# A mail is there as a whole or not at all.
part=$(mktemp @DIR@/mail.XXXXXX)
cat >"$part" && mv "$part" "@DIR@/mails/${part##*.}"
"""


class ClientWorld(World):
    """A world with a port that nobody has (@FREE@), the clients' programs (@BIN@), the tests' own
    (@PROGRAMS@), and a sendmail (@DIR@/sendmail) that keeps what it is given."""

    def __init__(self, programs, name: str):
        super().__init__(programs, name)
        self.free = free_port()
        (self.dir / "mails").mkdir()
        sendmail = self.dir / "sendmail"
        sendmail.write_text(self.fill(SENDMAIL))
        sendmail.chmod(0o755)

    def fill(self, text: str) -> str:
        # Not there yet while World's own __init__ runs.
        free = getattr(self, "free", "")
        for name, value in {"BIN": BIN, "PROGRAMS": PROGRAMS, "FREE": free}.items():
            text = text.replace(f"@{name}@", str(value))
        return super().fill(text)

    def forked(self, pid: int, _daemon: str) -> bool:
        # By command line: the reference and these clients are one interpreter.
        try:
            own, its = (Path(f"/proc/{which}/cmdline").read_bytes() for which in (self.pid(), pid))
        except OSError:
            return False
        return pid > 0 and own == its

    def mails(self) -> list[str]:
        return [path.read_text() for path in (self.dir / "mails").iterdir()]

    def web_pid(self) -> int:
        """The process id that `web.py` on the free port answers with; 0 if it does not."""
        try:
            url = f"http://127.0.0.1:{self.free}/"
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS_MAX) as answer:
                return int(answer.read())
        except OSError:
            return 0

    def run_client(self, *command, **environment) -> Output:
        """Runs a client to its end in this world's directory."""
        done = subprocess.run(
            [self.fill(str(part)) for part in command],
            cwd=self.dir, env=self.env() | environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX, check=False,
        )
        return Output(done.returncode, done.stdout, done.stderr)


class MailServer(socketserver.ThreadingTCPServer):
    """An SMTP server on a port of its own that keeps what it is given: (recipients, text)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), MailSession)
        self.kept: list[tuple[list[str], str]] = []
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class MailSession(socketserver.StreamRequestHandler):
    """As much of SMTP as smtplib speaks to a server that offers nothing."""

    def handle(self) -> None:
        recipients = []
        self.say("220 here")
        for line in self.rfile:
            verb = line.decode().strip().upper()
            if verb.startswith("RCPT TO:"):
                recipients.append(line.decode().strip()[len("RCPT TO:"):].strip("<>"))
            if verb == "DATA":
                self.say("354 go on")
                self.server.kept.append((recipients, self.text()))
            if verb == "QUIT":
                self.say("221 bye")
                return
            self.say("250 good")

    def text(self) -> str:
        lines = []
        for line in self.rfile:
            if line.strip() == b".":
                break
            lines.append(line.decode())
        return "".join(lines)

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
