//! Where logs go beside a file, and in which form.

use std::fmt;
use std::path::PathBuf;

use super::section::World;
use super::setting::LogTarget;

/// What opens a list item that names the system log.
const SYSLOG: &str = "syslog";

/// The ports of a remote system log where none is given: RFC 5426, and RFC 5425 without its TLS.
const UDP_PORT: u16 = 514;
const TCP_PORT: u16 = 6514;

/// Facilities of syslog(3), with the numbers of RFC 5424.
const FACILITIES: &[(&str, u8)] = &[
    ("kern", 0),
    ("kernel", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// Priorities of syslog(3).
const PRIORITIES: &[(&str, u8)] = &[
    ("emerg", 0),
    ("emergency", 0),
    ("alert", 1),
    ("crit", 2),
    ("critical", 2),
    ("err", 3),
    ("error", 3),
    ("warning", 4),
    ("warn", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

/// A place that gets a log beside the one that is shown and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogCopy {
    /// One more file; `/dev/stdout` and `/dev/stderr` are among them.
    File(PathBuf),
    /// A system log.
    Syslog(SyslogAddress),
    /// The journal of systemd.
    Journal,
}

/// Which system log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SyslogAddress {
    /// The host's own.
    Local,
    /// One that takes a datagram a line.
    Udp(String, u16),
    /// One that takes a connection.
    Tcp(String, u16),
}

/// What a line says of itself in a system log. What is not set follows from where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemLog {
    /// By its number in RFC 5424.
    pub facility: Option<u8>,
    /// Who says so.
    pub tag: Option<String>,
    /// By its number, 0 to 7; the journal's too.
    pub priority: Option<u8>,
}

/// How a line is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As the program wrote it.
    #[default]
    Raw,
    /// A JSON object.
    Json,
    /// Text and fields.
    Template(Vec<FormatPart>),
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatPart {
    /// Text as it is.
    Text(String),
    /// What is different from line to line.
    Field(FormatField),
}

/// What a template can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatField {
    /// Local date and time, as in the activity log.
    Time,
    /// The program's name: of its section.
    Program,
    /// The group's name.
    Group,
    /// The process's name.
    Process,
    /// The process id of the child whose pipe it came out of.
    Pid,
    /// `stdout` or `stderr`.
    Stream,
    /// The line itself.
    Message,
}

impl FormatField {
    /// Every field with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("time", Self::Time),
        ("program", Self::Program),
        ("group", Self::Group),
        ("process", Self::Process),
        ("pid", Self::Pid),
        ("stream", Self::Stream),
        ("message", Self::Message),
    ];
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, host, port) = match self {
            Self::Local => return f.write_str(SYSLOG),
            Self::Udp(host, port) => ("udp", host, port),
            Self::Tcp(host, port) => ("tcp", host, port),
        };
        if host.contains(':') {
            write!(f, "{SYSLOG} @{protocol}:[{host}]:{port}")
        } else {
            write!(f, "{SYSLOG} @{protocol}:{host}:{port}")
        }
    }
}

/// A list of targets: the log that is shown and read, and what gets the same beside it.
///
/// # Errors
/// In words: an item is no target, or the list does not make sense.
pub(super) fn list(world: &World<'_>, text: &str) -> Result<(LogTarget, Vec<LogCopy>), String> {
    let (mut shown, mut copies) = (LogTarget::None, Vec::new());
    let items: Vec<&str> = text.split(',').map(str::trim).collect();
    let alone = items.len() == 1;
    for item in items {
        match item.to_lowercase().as_str() {
            "none" | "off" if alone => {}
            "none" | "off" => {
                return Err(format!("names {item} in a list: expected it alone, or not at all"));
            }
            "" if !alone => return Err("has an empty target in its list".to_owned()),
            "auto" if shown == LogTarget::None => shown = LogTarget::Auto,
            "auto" => return Err("names AUTO beside a file: expected one of them".to_owned()),
            // Where there is more, nowhere is nothing.
            "/dev/null" if !alone => {}
            "journal" => add(&mut copies, LogCopy::Journal, item)?,
            lower if is_syslog(lower) => {
                let address = syslog_address(item.get(SYSLOG.len()..).unwrap_or_default())?;
                add(&mut copies, LogCopy::Syslog(address), item)?;
            }
            _ => {
                let path = world.file_path(item)?;
                match shown {
                    LogTarget::None => shown = LogTarget::File(path),
                    LogTarget::Auto => {
                        return Err(format!("names AUTO beside {item}: expected one of them"));
                    }
                    LogTarget::File(ref first) if *first == path => return Err(twice(item)),
                    LogTarget::File(_) => add(&mut copies, LogCopy::File(path), item)?,
                }
            }
        }
    }
    Ok((shown, copies))
}

/// `syslog`, `syslog @host` or, as ochinchina/supervisord takes it too, `syslog@host`.
fn is_syslog(lower: &str) -> bool {
    let rest = lower.strip_prefix(SYSLOG).map(str::trim_start);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

fn add(copies: &mut Vec<LogCopy>, copy: LogCopy, item: &str) -> Result<(), String> {
    if copies.contains(&copy) {
        return Err(twice(item));
    }
    copies.push(copy);
    Ok(())
}

fn twice(item: &str) -> String {
    format!("names {item} twice: expected each target once")
}

/// What follows `syslog`: nothing, or `@[tcp|udp:]host[:port]`.
fn syslog_address(text: &str) -> Result<SyslogAddress, String> {
    let text = text.trim();
    let bad = || {
        format!(
            "\"{SYSLOG} {text}\" is not a system log: expected syslog @[tcp|udp:]host[:port], an \
             IPv6 address in brackets"
        )
    };
    if text.is_empty() {
        return Ok(SyslogAddress::Local);
    }
    let address = text.strip_prefix('@').ok_or_else(bad)?.trim();
    let (tcp, address) = match address.split_once(':') {
        Some((protocol, rest)) if protocol.eq_ignore_ascii_case("tcp") => (true, rest),
        Some((protocol, rest)) if protocol.eq_ignore_ascii_case("udp") => (false, rest),
        _ => (false, address),
    };
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
        let port =
            if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(bad)?) };
        (host, port)
    } else {
        let (host, port) = address.split_once(':').map_or((address, None), |(h, p)| (h, Some(p)));
        (host, port)
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || "@/".contains(c)) {
        return Err(bad());
    }
    let usual = if tcp { TCP_PORT } else { UDP_PORT };
    let port = port.map_or(Ok(usual), |port| {
        port.parse::<u16>().ok().filter(|&port| port > 0).ok_or_else(bad)
    })?;
    let host = host.to_owned();
    Ok(if tcp { SyslogAddress::Tcp(host, port) } else { SyslogAddress::Udp(host, port) })
}

/// `local0`, `daemon`, ..., whatever the case.
pub(super) fn facility(text: &str) -> Result<u8, String> {
    named(FACILITIES, text)
        .ok_or_else(|| format!("{text:?} is not a facility: expected user, daemon, local0 to local7, or another of syslog's"))
}

/// `notice`, `err`, ..., whatever the case.
pub(super) fn priority(text: &str) -> Result<u8, String> {
    named(PRIORITIES, text).ok_or_else(|| {
        format!(
            "{text:?} is not a priority: expected emerg, alert, crit, err, warning, notice, info \
             or debug"
        )
    })
}

/// By its name in syslog(3), with `LOG_` before it or not.
fn named(table: &[(&str, u8)], text: &str) -> Option<u8> {
    let long = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("log_"));
    let text = text.get(4..).filter(|_| long).unwrap_or(text);
    table.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|&(_, number)| number)
}

/// A tag that every receiver can read: printable ASCII without white space.
pub(super) fn tag(text: &str) -> Result<String, String> {
    /// What RFC 5424 allows.
    const TAG_BYTES_MAX: usize = 48;
    let good = !text.is_empty()
        && text.len() <= TAG_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if good {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is not a tag: expected 1 to {TAG_BYTES_MAX} printable ASCII characters, no space or colon"
    ))
}

/// `raw`, `json`, or a template such as `{time} {process}: {message}`; `{{` is a brace.
pub(super) fn format(text: &str) -> Result<LogFormat, String> {
    match text.to_lowercase().as_str() {
        "raw" => return Ok(LogFormat::Raw),
        "json" => return Ok(LogFormat::Json),
        _ => {}
    }
    let names = || FormatField::ALL.map(|(name, _)| name).join(", ");
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}")) {
            plain.push_str(after_brace(rest, at));
            rest = after;
            continue;
        }
        let field = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let (name, after) = field.ok_or_else(|| {
            format!("{text:?} has a brace that stands alone: expected {{name}}, or it twice")
        })?;
        let known = FormatField::ALL.iter().find(|(known, _)| *known == name);
        let &(_, field) = known
            .ok_or_else(|| format!("{{{name}}} is not a field: expected one of {}", names()))?;
        if !plain.is_empty() {
            parts.push(FormatPart::Text(std::mem::take(&mut plain)));
        }
        parts.push(FormatPart::Field(field));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(FormatPart::Text(plain));
    }
    if !parts.contains(&FormatPart::Field(FormatField::Message)) {
        return Err(format!(
            "{text:?} is not a format: expected raw, json, or a template with {{message}} in it"
        ));
    }
    Ok(LogFormat::Template(parts))
}

/// The brace at this place, once.
fn after_brace(text: &str, at: usize) -> &str {
    text.get(at..=at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_logs_have_addresses() {
        let check = |text: &str, shown: &str| {
            assert_eq!(syslog_address(text).unwrap().to_string(), shown, "{text}");
        };
        check("", "syslog");
        check(" @loghost", "syslog @udp:loghost:514");
        check("@loghost:1514", "syslog @udp:loghost:1514");
        check("@udp:loghost", "syslog @udp:loghost:514");
        check("@TCP:loghost", "syslog @tcp:loghost:6514");
        check("@tcp:10.0.0.1:601", "syslog @tcp:10.0.0.1:601");
        check("@[::1]", "syslog @udp:[::1]:514");
        check("@tcp:[::1]:601", "syslog @tcp:[::1]:601");
        for bad in ["loghost", "@", "@tcp:", "@h:0", "@h:x", "@h:70000", "@[::1", "@[::1]x", "@a b"]
        {
            assert!(syslog_address(bad).unwrap_err().contains("expected"), "{bad}");
        }
    }

    #[test]
    fn words() {
        assert_eq!((facility("LOCAL7"), facility("daemon")), (Ok(23), Ok(3)));
        assert_eq!((priority("Notice"), priority("err")), (Ok(5), Ok(3)));
        assert!(facility("local8").is_err() && priority("loud").is_err());
        assert_eq!(tag("web-1"), Ok("web-1".to_owned()));
        for bad in ["", "a b", "a:b", "é", &"x".repeat(49)] {
            assert!(tag(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn templates_are_text_and_fields() {
        let shown = |text: &str| {
            let LogFormat::Template(parts) = format(text)? else { return Ok("plain".to_owned()) };
            let part = |part: &FormatPart| match part {
                FormatPart::Text(text) => text.clone(),
                FormatPart::Field(field) => format!("<{field:?}>"),
            };
            Ok::<_, String>(parts.iter().map(part).collect::<String>())
        };
        let check = |text: &str, parts: &str| assert_eq!(shown(text).as_deref(), Ok(parts));
        check("raw", "plain");
        check("JSON", "plain");
        check("{message}", "<Message>");
        check("{time} {process}[{pid}] {message}!", "<Time> <Process>[<Pid>] <Message>!");
        check("{{{message}}} é", "{<Message>} é");
        for bad in ["", "plain", "{time}", "{message", "message}", "{mesage}", "{}{message}"] {
            assert!(format(bad).unwrap_err().contains("expected"), "{bad}");
        }
    }
}
