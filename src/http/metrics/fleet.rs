//! The figures of every program.

use std::collections::HashMap;
use std::sync::Arc;

use super::Seen;
use super::text::{Kind, Text};
use crate::api::usage::proc;
use crate::logs::{ProcessCounts, Stream, StreamCounts};
use crate::model::{ExitStatus, ProcessId, ProcessInfo, StateCode};

/// Bytes of text for one program, about.
pub const BYTES_EACH: usize = 1_600;

/// Writes them all.
pub fn write(text: &mut Text, seen: &Seen) {
    let counts: HashMap<_, _> = seen.counts.iter().map(|(id, counts)| (id, counts)).collect();
    ancestors(text, seen);
    used(text, seen);
    life(text, seen);
    logs(text, seen, &counts);
}

/// Those of the Go ancestor, by their names.
fn ancestors(text: &mut Text, seen: &Seen) {
    each(
        text,
        seen,
        (Kind::Gauge, "node_supervisord_up", "Whether the program has a child."),
        |p| Some(u8::from(p.state.is_signallable())),
    );
    let help = "The program's state: 0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, \
                40 STOPPING, 100 EXITED, 200 FATAL, 1000 UNKNOWN.";
    each(text, seen, (Kind::Gauge, "node_supervisord_state", help), |p| Some(p.state.number()));
    let help = "The exit status of the program's last child, -1 for a death by signal, 0 before \
                it has ended.";
    each(text, seen, (Kind::Gauge, "node_supervisord_exit_status", help), |process| {
        Some(process.last_exit.map_or(0, ExitStatus::code))
    });
    let help = "When the program's child was started, in seconds since the epoch.";
    each(text, seen, (Kind::Gauge, "node_supervisord_start_time_seconds", help), |process| {
        process.state.is_signallable().then(|| process.start.as_secs_f64())
    });
}

fn used(text: &mut Text, seen: &Seen) {
    let used = |process: &ProcessInfo| seen.sample.processes.get(&process.id);
    let help = "Processor time of the program with everything it started, since its control \
                group was made, or its child was started.";
    each(text, seen, (Kind::Counter, "supervisord_process_cpu_seconds", help), |process| {
        used(process).map(|used| used.cpu.as_secs_f64())
    });
    let help = "Memory of the program with everything it started: of its control group, or \
                resident.";
    each(text, seen, (Kind::Gauge, "supervisord_process_memory_bytes", help), |process| {
        used(process).map(|used| used.memory)
    });
    let help = "Descriptors that the program's child has open, where the daemon may see them.";
    each(text, seen, (Kind::Gauge, "supervisord_process_open_fds", help), |process| {
        u32::try_from(process.pid).ok().filter(|&pid| pid > 0).and_then(proc::descriptors)
    });
}

fn life(text: &mut Text, seen: &Seen) {
    let help = "Starts since the program was added, but the first.";
    each(text, seen, (Kind::Counter, "supervisord_process_restarts", help), |process| {
        Some(process.starts.saturating_sub(1))
    });
    let help = "When the program entered its state, in seconds since the epoch.";
    each(
        text,
        seen,
        (Kind::Gauge, "supervisord_process_state_timestamp_seconds", help),
        |process| (process.changed.0 > 0).then(|| process.changed.as_secs_f64()),
    );
    text.family(Kind::Gauge, "supervisord_processes", "How many programs are in each state.");
    for state in StateCode::ALL {
        let count = seen.fleet.processes.values().filter(|process| process.state == state).count();
        text.figure(&[("state", state.name())], count);
    }
}

fn logs(text: &mut Text, seen: &Seen, counts: &HashMap<&ProcessId, &Arc<ProcessCounts>>) {
    type Figure = fn(&StreamCounts) -> u64;
    let families: [(&str, &str, Figure); 3] = [
        ("supervisord_process_log_bytes", "Bytes that the program wrote.", |c| c.bytes()),
        (
            "supervisord_process_log_dropped_bytes",
            "Bytes of them that could not be written to the log.",
            |c| c.dropped(),
        ),
        ("supervisord_process_log_rotations", "How often the log was rotated for its size.", |c| {
            c.rotations()
        }),
    ];
    for (name, help, figure) in families {
        text.family(Kind::Counter, name, help);
        for process in seen.fleet.processes.values() {
            let Some(counts) = counts.get(&process.id) else { continue };
            for stream in [Stream::Stdout, Stream::Stderr] {
                let labels = [
                    ("name", &*process.id.name),
                    ("group", &*process.id.group),
                    ("stream", if stream == Stream::Stdout { "stdout" } else { "stderr" }),
                ];
                text.figure(&labels, figure(counts.of(stream)));
            }
        }
    }
}

/// One family with a figure for each program that has one.
fn each<V: std::fmt::Display>(
    text: &mut Text,
    seen: &Seen,
    (kind, name, help): (Kind, &str, &str),
    figure: impl Fn(&ProcessInfo) -> Option<V>,
) {
    text.family(kind, name, help);
    for process in seen.fleet.processes.values() {
        if let Some(value) = figure(process) {
            text.figure(&[("name", &process.id.name), ("group", &process.id.group)], value);
        }
    }
}
