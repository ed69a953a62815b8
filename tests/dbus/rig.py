"""A private bus, a client on it, and a polkit that says what it is told to say."""

import os
import subprocess
import threading
import time
from pathlib import Path

from jeepney import DBusAddress, HeaderFields, MessageFlag, MessageType
from jeepney import new_error, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection

NAME = "org.supervisord.Supervisor1"
ROOT = "/org/supervisord/Supervisor1"
LOG_CONTROL = "/org/freedesktop/LogControl1"
MANAGER = f"{NAME}.Manager"
PROCESS = f"{NAME}.Process"
GROUP = f"{NAME}.Group"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECTS = "org.freedesktop.DBus.ObjectManager"

NOBODY = 65534
"""A user that is neither root nor the daemon's."""

WAIT_SECONDS_MAX = 60.0
"""How long an answer or a signal may take before the test fails."""

CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    {policy}
  </policy>
  <!-- What bounds a flood is to be the daemon. -->
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"""


class Refused(Exception):
    """An error reply: its name, without what is common to ours, and its text."""

    def __init__(self, name: str, text: str):
        super().__init__(f"{name}: {text}")
        self.name = name.removeprefix(f"{NAME}.Error.")
        self.text = text


class Bus:
    """A bus of the test's own."""

    def __init__(self, directory: Path, policy: str = ""):
        self.socket = directory / "bus"
        self.address = f"unix:path={self.socket}"
        self.process: subprocess.Popen | None = None
        self._config = directory / "bus.conf"
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)
        self.policy(policy)

    def policy(self, policy: str) -> None:
        self._config.write_text(CONFIG.format(socket=self.socket, policy=policy))

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--print-address"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout.readline().startswith(b"unix:path="), "the bus did not start"

    def kill(self) -> None:
        """As in a crash: its socket stays behind."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Client:
    """A connection to a bus. Signals that arrive between replies are kept."""

    def __init__(self, bus: Bus, user: int | None = None):
        if user is not None:
            os.setresuid(user, user, 0)
        try:
            self.connection = open_dbus_connection(bus.address, enable_fds=True)
        finally:
            if user is not None:
                os.setresuid(0, 0, 0)
        self.name = self.connection.unique_name
        self.signals: list[tuple[str, str, tuple]] = []

    def close(self) -> None:
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def message(self, path, interface, member, signature="", *arguments, to=NAME, flags=0):
        address = DBusAddress(path, bus_name=to, interface=interface)
        message = new_method_call(address, member, signature or None, arguments)
        message.header.flags = MessageFlag(flags)
        return message

    def call(self, path, interface, member, signature="", *arguments, **how):
        """Calls a method: its one answer, a tuple of several, or None."""
        serial = next(self.connection.outgoing_serial)
        message = self.message(path, interface, member, signature, *arguments, **how)
        self.connection.send(message, serial=serial)
        while True:
            reply = self.connection.receive(timeout=WAIT_SECONDS_MAX)
            if reply.header.fields.get(HeaderFields.reply_serial) == serial:
                break
            self._keep(reply)
        if reply.header.message_type == MessageType.error:
            text = reply.body[0] if reply.body else ""
            raise Refused(reply.header.fields[HeaderFields.error_name], text)
        return reply.body[0] if len(reply.body) == 1 else reply.body or None

    def manager(self, member, signature="", *arguments, **how):
        return self.call(ROOT, MANAGER, member, signature, *arguments, **how)

    def bus(self, member, signature="", *arguments):
        name = "org.freedesktop.DBus"
        return self.call("/org/freedesktop/DBus", name, member, signature, *arguments, to=name)

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, "Get", "ss", interface, name)[1]

    def all(self, path, interface) -> dict:
        values = self.call(path, PROPERTIES, "GetAll", "s", interface)
        return {name: value for name, (_, value) in values.items()}

    # --- the daemon comes and goes -------------------------------------------------------

    def wait_for_daemon(self) -> None:
        """Returns when the daemon has its name."""
        rule = f"type='signal',member='NameOwnerChanged',arg0='{NAME}'"
        self.bus("AddMatch", "s", rule)
        if not self.bus("NameHasOwner", "s", NAME):
            self.wait("NameOwnerChanged", lambda _, body: body[0] == NAME and body[2] != "")
        self.bus("RemoveMatch", "s", rule)

    # --- signals -------------------------------------------------------------------------

    def listen(self) -> None:
        """Signals of the daemon are kept from now on."""
        self.bus("AddMatch", "s", f"type='signal',sender='{NAME}'")

    def _keep(self, message) -> None:
        if message.header.message_type == MessageType.signal:
            fields = message.header.fields
            kept = (fields[HeaderFields.member], fields[HeaderFields.path], message.body)
            self.signals.append(kept)

    def wait(self, member, accept=lambda path, body: True) -> tuple[str, tuple]:
        """The path and body of the next such signal, which is taken out of those kept."""
        looked_at = 0
        while True:
            for at, (name, path, body) in enumerate(self.signals[looked_at:], looked_at):
                if name == member and accept(path, body):
                    del self.signals[at]
                    return path, body
            looked_at = len(self.signals)
            self._keep(self.connection.receive(timeout=WAIT_SECONDS_MAX))

    def take(self) -> list[tuple[str, str, tuple]]:
        """The signals that came before the answer to this call, and none is kept any more."""
        self.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")
        taken, self.signals = self.signals, []
        return [signal for signal in taken if not signal[0].startswith("Name")]


class Polkit:
    """Owns polkit's name on a bus and answers what it is told to."""

    def __init__(self, bus: Bus, authorized=False, challenge=False):
        self.answer = (authorized, challenge, {})
        self.asked: list[tuple] = []
        self._client = Client(bus)
        self._client.bus("RequestName", "su", "org.freedesktop.PolicyKit1", 0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection = self._client.connection
        while True:
            try:
                call = connection.receive()
            except (OSError, ValueError):
                return
            if call.header.message_type != MessageType.method_call:
                continue
            if call.header.fields[HeaderFields.member] == "CheckAuthorization":
                subject, action, _, flags, _ = call.body
                self.asked.append((subject[0], subject[1]["name"][1], action, flags))
                connection.send(new_method_return(call, "(bba{ss})", (self.answer,)))
            else:
                connection.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))

    def close(self) -> None:
        self._client.close()


def until(fact, what: str):
    """Waits for a fact that announces itself in no other way than by being true."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := fact()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found
