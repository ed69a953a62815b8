//! What stands round a line on its way: RFC 3164, RFC 5424, or the fields of the journal.

use std::io::Write as _;

use nix::unistd::gethostname;

use super::Destination;
use super::journal;
use crate::config::setting::{SyslogAddress, SystemLog};
use crate::logs::Stream;
use crate::logs::format::Source;
use crate::logs::stamp::{Clock, Style};
use crate::model::WallTime;

/// Who the daemon is in a system log.
const DAEMON_TAG: &str = "supervisord";

/// Facilities by their numbers.
const USER: u8 = 1;
const LOCAL0: u8 = 16;

/// Priorities by their numbers.
const NOTICE: u8 = 5;
const INFO: u8 = 6;

/// Longer names are cut (RFC 5424).
const HOST_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 48;

/// How the lines of one source are sent to one destination.
#[derive(Debug)]
pub(in crate::logs) struct Envelope {
    priority: u8,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// What syslog(3) writes: priority, time, tag.
    Classic { facility: u8, clock: Clock, head: String },
    /// RFC 5424; over a connection with the count of its bytes before it (RFC 6587).
    Modern { facility: u8, clock: Clock, head: String, counted: bool },
    /// Fields, the message last.
    Journal { fields: Vec<u8> },
}

impl Envelope {
    /// For a program's lines.
    pub fn new(destination: &Destination, source: &Source, system: &SystemLog) -> Self {
        let tag = system.tag.as_deref().unwrap_or(&source.program);
        let usual = match (destination, source.stream) {
            (Destination::Journal, Stream::Stdout) => INFO,
            _ => NOTICE,
        };
        let stream = source.stream.to_string();
        let pid = source.pid.to_string();
        let form = match destination {
            Destination::Syslog(address) => {
                let facility = system.facility.unwrap_or(LOCAL0);
                Form::syslog(address, facility, tag, Some((&pid, &stream)))
            }
            Destination::Journal => {
                let mut fields = own_fields(tag, system.facility);
                for (name, value) in [
                    ("SYSLOG_PID", pid.as_str()),
                    ("SUPERVISOR_PROGRAM", &source.program),
                    ("SUPERVISOR_GROUP", &source.process.group),
                    ("SUPERVISOR_PROCESS", &source.process.name),
                    ("SUPERVISOR_STREAM", &stream),
                    ("SUPERVISOR_PID", &pid),
                ] {
                    journal::field(&mut fields, name, value.as_bytes());
                }
                Form::Journal { fields }
            }
        };
        Self { priority: system.priority.unwrap_or(usual), form }
    }

    /// As the reference sends the lines of a program to the system log: in the daemon's own name,
    /// the process's before the line.
    pub fn in_the_daemons_name(source: &Source, system: &SystemLog) -> Self {
        let tag = system.tag.as_deref().unwrap_or(DAEMON_TAG);
        let head = format!(" {}: {} ", printable(tag, TAG_BYTES_MAX), source.process.name);
        let facility = system.facility.unwrap_or(USER);
        let form = Form::Classic { facility, clock: Clock::new(Style::Classic), head };
        Self { priority: system.priority.unwrap_or(INFO), form }
    }

    /// For the activity log.
    pub fn of_the_daemon(destination: &Destination, system: &SystemLog) -> Self {
        let tag = system.tag.as_deref().unwrap_or(DAEMON_TAG);
        let form = match destination {
            Destination::Syslog(address) => {
                let pid = std::process::id().to_string();
                // The host's own log knows who speaks; and so the reference does.
                let id = (*address != SyslogAddress::Local).then_some((pid.as_str(), "-"));
                Form::syslog(address, system.facility.unwrap_or(USER), tag, id)
            }
            Destination::Journal => Form::Journal { fields: own_fields(tag, system.facility) },
        };
        Self { priority: INFO, form }
    }

    /// A line as it is sent.
    pub fn seal(&mut self, wall: WallTime, line: &[u8]) -> Vec<u8> {
        self.seal_as(self.priority, wall, line)
    }

    /// The same, with another priority.
    pub fn seal_as(&mut self, priority: u8, wall: WallTime, line: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.len() + 128);
        match &mut self.form {
            Form::Classic { facility, clock, head } => {
                let _ = write!(out, "<{}>{}{head}", *facility * 8 + priority, clock.render(wall));
                text(line, &mut out);
            }
            Form::Modern { facility, clock, head, counted } => {
                let _ = write!(out, "<{}>1 {}{head}", *facility * 8 + priority, clock.render(wall));
                text(line, &mut out);
                if *counted {
                    let count = format!("{} ", out.len());
                    out.splice(0..0, count.into_bytes());
                }
            }
            Form::Journal { fields } => {
                out.extend_from_slice(fields);
                journal::field(&mut out, "PRIORITY", priority.to_string().as_bytes());
                journal::field(&mut out, "MESSAGE", String::from_utf8_lossy(line).as_bytes());
            }
        }
        out
    }
}

impl Form {
    /// `id` is the process id and the kind of message, where they are told.
    fn syslog(address: &SyslogAddress, facility: u8, tag: &str, id: Option<(&str, &str)>) -> Self {
        let tag = printable(tag, TAG_BYTES_MAX);
        if *address == SyslogAddress::Local {
            let head =
                id.map_or_else(|| format!(" {tag}: "), |(pid, _)| format!(" {tag}[{pid}]: "));
            return Self::Classic { facility, clock: Clock::new(Style::Classic), head };
        }
        let host = gethostname().unwrap_or_default();
        let host = printable(&host.to_string_lossy(), HOST_BYTES_MAX);
        let (pid, kind) = id.unwrap_or(("-", "-"));
        let counted = matches!(address, SyslogAddress::Tcp(..));
        let head = format!(" {host} {tag} {pid} {kind} - ");
        Self::Modern { facility, clock: Clock::new(Style::Utc), head, counted }
    }
}

fn own_fields(tag: &str, facility: Option<u8>) -> Vec<u8> {
    let mut fields = Vec::new();
    journal::field(&mut fields, "SYSLOG_IDENTIFIER", tag.as_bytes());
    if let Some(facility) = facility {
        journal::field(&mut fields, "SYSLOG_FACILITY", facility.to_string().as_bytes());
    }
    fields
}

/// A line without the byte that ends messages for some receivers.
fn text(line: &[u8], out: &mut Vec<u8>) {
    let mut pieces = line.split(|&byte| byte == 0);
    out.extend_from_slice(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.extend_from_slice(b"#000");
        out.extend_from_slice(piece);
    }
}

/// A name of printable ASCII, as the header needs it; `-` for none.
fn printable(name: &str, bytes_max: usize) -> String {
    let clean = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let name: String = name.chars().take(bytes_max).map(clean).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessId;
    use proptest::prelude::*;

    const WALL: WallTime = WallTime(1_795_376_019_123_456);

    fn source(stream: Stream) -> Source {
        let process = ProcessId::new("all", "web_1");
        Source { process, program: "web".into(), pid: 42, stream }
    }

    fn sealed(mut envelope: Envelope, line: &[u8]) -> String {
        String::from_utf8_lossy(&envelope.seal(WALL, line)).into_owned()
    }

    fn time(style: Style) -> String {
        Clock::new(style).render(WALL).to_owned()
    }

    fn remote(tcp: bool) -> Destination {
        let host = "loghost".to_owned();
        Destination::Syslog(if tcp {
            SyslogAddress::Tcp(host, 6514)
        } else {
            SyslogAddress::Udp(host, 514)
        })
    }

    const LOCAL: Destination = Destination::Syslog(SyslogAddress::Local);

    #[test]
    fn the_hosts_own_log_gets_what_syslog_3_would_write() {
        let classic = time(Style::Classic);
        let system = SystemLog::default();
        let out = source(Stream::Stdout);
        assert_eq!(
            sealed(Envelope::new(&LOCAL, &out, &system), b"hi\0you"),
            format!("<133>{classic} web[42]: hi#000you")
        );
        assert_eq!(
            sealed(Envelope::in_the_daemons_name(&out, &system), b"hi"),
            format!("<14>{classic} supervisord: web_1 hi"),
            "the reference's"
        );
        assert_eq!(
            sealed(Envelope::of_the_daemon(&LOCAL, &system), b"hi"),
            format!("<14>{classic} supervisord: hi")
        );
        let system = SystemLog { facility: Some(3), tag: Some("me".to_owned()), priority: Some(3) };
        for (envelope, expected) in [
            (Envelope::new(&LOCAL, &out, &system), format!("<27>{classic} me[42]: hi")),
            (Envelope::in_the_daemons_name(&out, &system), format!("<27>{classic} me: web_1 hi")),
        ] {
            assert_eq!(sealed(envelope, b"hi"), expected);
        }
    }

    #[test]
    fn remote_logs_get_rfc_5424_and_connections_its_length() {
        let host = gethostname().unwrap().into_string().unwrap();
        let utc = time(Style::Utc);
        let expected = format!("<133>1 {utc} {host} web 42 stderr - hi");
        let system = SystemLog::default();
        let err = source(Stream::Stderr);
        assert_eq!(sealed(Envelope::new(&remote(false), &err, &system), b"hi"), expected);
        let counted = format!("{} {expected}", expected.len());
        assert_eq!(sealed(Envelope::new(&remote(true), &err, &system), b"hi"), counted);
        let own = sealed(Envelope::of_the_daemon(&remote(false), &system), b"hi");
        let pid = std::process::id();
        assert_eq!(own, format!("<14>1 {utc} {host} supervisord {pid} - - hi"));
    }

    #[test]
    fn the_journal_gets_fields() {
        let system = SystemLog::default();
        let mut envelope = Envelope::new(&Destination::Journal, &source(Stream::Stdout), &system);
        let record = envelope.seal(WALL, b"a\xff");
        let expected = "SYSLOG_IDENTIFIER=web\nSYSLOG_PID=42\nSUPERVISOR_PROGRAM=web\n\
                        SUPERVISOR_GROUP=all\nSUPERVISOR_PROCESS=web_1\nSUPERVISOR_STREAM=stdout\n\
                        SUPERVISOR_PID=42\nPRIORITY=6\nMESSAGE=a\u{fffd}\n";
        assert_eq!(String::from_utf8(record).unwrap(), expected);
        let stderr = Envelope::new(&Destination::Journal, &source(Stream::Stderr), &system);
        assert!(sealed(stderr, b"").contains("\nPRIORITY=5\nMESSAGE=\n"));
        let system = SystemLog { facility: Some(3), ..system };
        let own = sealed(Envelope::of_the_daemon(&Destination::Journal, &system), b"hi");
        assert_eq!(
            own,
            "SYSLOG_IDENTIFIER=supervisord\nSYSLOG_FACILITY=3\nPRIORITY=6\nMESSAGE=hi\n"
        );
    }

    #[test]
    fn names_are_made_fit_for_a_header() {
        let process = ProcessId::new("g", "p");
        let program = "é".repeat(60).into();
        let source = Source { process, program, pid: 1, stream: Stream::Stdout };
        let text = sealed(Envelope::new(&remote(false), &source, &SystemLog::default()), b"x");
        assert_eq!(text.split(' ').nth(3), Some("_".repeat(48).as_str()));
    }

    proptest! {
        #[test]
        fn the_count_is_the_length(line in prop::collection::vec(any::<u8>(), 0..2000)) {
            let source = source(Stream::Stdout);
            let mut envelope = Envelope::new(&remote(true), &source, &SystemLog::default());
            let record = envelope.seal(WALL, &line);
            let space = record.iter().position(|&byte| byte == b' ').unwrap();
            let count: usize = std::str::from_utf8(&record[..space]).unwrap().parse().unwrap();
            prop_assert_eq!(record.len() - space - 1, count);
        }
    }
}
