//! The keys of a program's two streams.

use super::section::Section;
use super::setting::{LogCopy, LogFormat, LogSettings, LogTarget, SystemLog};
use super::target;

/// The keys of one stream.
pub(super) struct LogKeys {
    logfile: &'static str,
    max_bytes: &'static str,
    backups: &'static str,
    capture_max_bytes: &'static str,
    events_enabled: &'static str,
    syslog: &'static str,
    priority: &'static str,
    format: &'static str,
}

pub(super) const STDOUT: LogKeys = LogKeys {
    logfile: "stdout_logfile",
    max_bytes: "stdout_logfile_maxbytes",
    backups: "stdout_logfile_backups",
    capture_max_bytes: "stdout_capture_maxbytes",
    events_enabled: "stdout_events_enabled",
    syslog: "stdout_syslog",
    priority: "syslog_stdout_priority",
    format: "stdout_format",
};

pub(super) const STDERR: LogKeys = LogKeys {
    logfile: "stderr_logfile",
    max_bytes: "stderr_logfile_maxbytes",
    backups: "stderr_logfile_backups",
    capture_max_bytes: "stderr_capture_maxbytes",
    events_enabled: "stderr_events_enabled",
    syslog: "stderr_syslog",
    priority: "syslog_stderr_priority",
    format: "stderr_format",
};

/// What the lines of both streams say of themselves in system logs.
pub(super) fn system_log(section: &mut Section<'_>) -> SystemLog {
    SystemLog {
        facility: section.take("syslog_facility", target::facility),
        tag: section.take("syslog_tag", target::tag),
        // Each stream, and each line of the activity log, has its own.
        priority: None,
    }
}

/// What is to become of a stream.
pub(super) fn log(section: &mut Section<'_>, keys: &LogKeys, system: &SystemLog) -> LogSettings {
    let text = section.text_expanded_twice(keys.logfile).unwrap_or_else(|| "auto".to_owned());
    let (target, copies) = target::list(section.world, &text).unwrap_or_else(|message| {
        section.error(keys.logfile, message);
        (LogTarget::None, Vec::new())
    });
    let format = section.take(keys.format, target::format).unwrap_or_default();
    let log = LogSettings {
        target,
        copies,
        format,
        max_bytes: section.byte_size(keys.max_bytes, 50 << 20),
        backups: section.integer(keys.backups, 10, 0..=i64::from(u32::MAX)) as u32,
        capture_max_bytes: section.byte_size(keys.capture_max_bytes, 0),
        events_enabled: section.boolean(keys.events_enabled, false),
        syslog: section.boolean(keys.syslog, false),
        system: SystemLog {
            priority: section.take(keys.priority, target::priority),
            ..system.clone()
        },
    };
    if log.target == LogTarget::Auto && log.max_bytes == 0 {
        let message = "is 0 for an AUTO log, which can fill the disk: expected a limit";
        section.warn(keys.max_bytes, message.to_owned());
    }
    if log.format != LogFormat::Raw && log.target == LogTarget::None && log.copies.is_empty() {
        let message = "has no effect, because the output goes nowhere";
        section.warn(keys.format, message.to_owned());
    }
    if log.syslog && log.copies.iter().any(|copy| matches!(copy, LogCopy::Syslog(_))) {
        let message = format!("is a second way to the system log, beside {}", keys.logfile);
        section.warn(keys.syslog, message);
    }
    log
}
