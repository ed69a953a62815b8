//! `GET /metrics`: figures of the programs and of the daemon itself, for Prometheus and its kin.
//!
//! Everything is read when somebody asks, on a thread that may block; between two scrapes nothing
//! happens but counting.

use std::sync::Arc;

use hyper::{Response, StatusCode};

use super::body::{Body, answer};
use super::meters::Meters;
use crate::api::Api;
use crate::api::usage::{Sample, proc};
use crate::logs::ProcessCounts;
use crate::model::{ProcessId, Snapshot};

mod fleet;
mod text;

pub use text::Format;
use text::{Kind, Text};

/// Bytes of text about the daemon itself, about.
const DAEMON_BYTES: usize = 32 << 10;

/// Answers scrapes, one after the other.
#[derive(Debug)]
pub struct Metrics {
    meters: Arc<Meters>,
    /// A text may be large, and reading /proc takes a while: whoever holds this does.
    turn: tokio::sync::Mutex<()>,
}

/// What a scrape found.
struct Seen {
    api: Api,
    meters: Arc<Meters>,
    fleet: Arc<Snapshot>,
    sample: Arc<Sample>,
    counts: Vec<(ProcessId, Arc<ProcessCounts>)>,
}

impl Metrics {
    /// Tells what these count, too.
    #[must_use]
    pub fn new(meters: Arc<Meters>) -> Self {
        Self { meters, turn: tokio::sync::Mutex::default() }
    }

    /// The answer to a scrape that accepts these media types.
    pub async fn respond(&self, api: &Api, accept: Option<&str>) -> Response<Body> {
        let format = Format::accepted(accept.unwrap_or_default());
        let text = self.text(api, format).await;
        answer(StatusCode::OK, format.media_type(), text.into())
    }

    async fn text(&self, api: &Api, format: Format) -> String {
        let _turn = self.turn.lock().await;
        let fleet = api.snapshot();
        let sample = api.usage().sample(&fleet).await;
        let seen = Seen {
            api: api.clone(),
            meters: Arc::clone(&self.meters),
            counts: api.logs().counts().processes(),
            fleet,
            sample,
        };
        let written = tokio::task::spawn_blocking(move || {
            let room = DAEMON_BYTES + fleet::BYTES_EACH * seen.fleet.processes.len();
            let mut text = Text::new(format, room);
            fleet::write(&mut text, &seen);
            daemon(&mut text, &seen);
            http(&mut text, &seen.meters);
            own(&mut text, &seen);
            text.finish()
        });
        // Fails where the runtime is going down.
        written.await.unwrap_or_default()
    }
}

fn daemon(text: &mut Text, seen: &Seen) {
    let (api, facts) = (&seen.api, seen.api.facts());
    text.family(Kind::Info, "supervisord_build", "The daemon's version and identifier.");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("identifier", &*facts.identifier)];
    text.figure(&labels, 1);
    let help = "The daemon's state: 1 RUNNING, 0 RESTARTING, -1 SHUTDOWN.";
    text.family(Kind::Gauge, "supervisord_state", help);
    text.figure(&[], seen.fleet.state.number());
    let meters = api.loop_meters();
    let help = "How long requests and deadlines waited until the supervision loop took them up.";
    text.family(Kind::Histogram, "supervisord_loop_delay_seconds", help);
    text.histogram(&[], &meters.delay.counts());
    let help = "How long the turns of the supervision loop took.";
    text.family(Kind::Histogram, "supervisord_loop_turn_seconds", help);
    text.histogram(&[], &meters.turn.counts());
    let help = "Requests that wait for the supervision loop.";
    text.family(Kind::Gauge, "supervisord_requests_waiting", help);
    text.figure(&[], api.requests_waiting());
    let help = "Orders and activity lines that wait for the log thread.";
    text.family(Kind::Gauge, "supervisord_log_orders_waiting", help);
    text.figure(&[], api.logs().waiting());
    let help = "Activity lines that were dropped because too many waited for the disk.";
    text.family(Kind::Counter, "supervisord_log_lines_dropped", help);
    text.figure(&[], api.logs().lines_dropped());
    let main = api.logs().counts().main();
    let help = "Bytes of activity lines that could not be written.";
    text.family(Kind::Counter, "supervisord_log_dropped_bytes", help);
    text.figure(&[], main.dropped());
    let help = "How often the activity log was rotated for its size.";
    text.family(Kind::Counter, "supervisord_log_rotations", help);
    text.figure(&[], main.rotations());
    let help = "How often the configuration was read anew, to be looked at or applied.";
    text.family(Kind::Counter, "supervisord_reloads", help);
    text.figure(&[], api.watch_reloads().borrow().begun);
    let pools = || {
        let groups = seen.fleet.groups.iter();
        groups.filter_map(|(name, group)| Some((name, group.events_dropped?)))
    };
    if pools().next().is_some() {
        let help = "Events that were dropped because too many waited for the pool of listeners.";
        text.family(Kind::Counter, "supervisord_events_dropped", help);
        for (name, dropped) in pools() {
            text.figure(&[("group", name.as_str())], dropped);
        }
    }
    operations(text, api);
}

/// Only those that were ever asked for: there are many, and most are rare.
fn operations(text: &mut Text, api: &Api) {
    let asked = || api.meters().all().filter(|(_, meter)| meter.time.counts().count() > 0);
    let help = "How long operations took until they were answered, whichever face asked.";
    text.family(Kind::Histogram, "supervisord_operation_seconds", help);
    for (name, meter) in asked() {
        text.histogram(&[("operation", name)], &meter.time.counts());
    }
    let help = "Operations that were answered with a failure.";
    text.family(Kind::Counter, "supervisord_operation_failures", help);
    for (name, meter) in asked() {
        text.figure(&[("operation", name)], meter.failures());
    }
}

fn http(text: &mut Text, meters: &Meters) {
    text.family(Kind::Gauge, "supervisord_http_connections", "Connections that are open.");
    text.figure(&[], meters.connections());
    let help = "Connections that were accepted.";
    text.family(Kind::Counter, "supervisord_http_connections_accepted", help);
    text.figure(&[], meters.accepted());
    let help = "Answers under way that go on until their reader leaves: events, followed logs.";
    text.family(Kind::Gauge, "supervisord_http_streams", help);
    text.figure(&[], meters.streams());
    let help = "Requests that were answered, by the class of their status.";
    text.family(Kind::Counter, "supervisord_http_requests", help);
    for (class, count) in meters.answers() {
        text.figure(&[("status", class)], count);
    }
}

/// The daemon as a process, by the names that every exporter gives its own.
fn own(text: &mut Text, seen: &Seen) {
    let facts = seen.api.facts();
    let used = proc::process(facts.pid).unwrap_or_default();
    text.family(Kind::Counter, "process_cpu_seconds", "Processor time of the daemon.");
    text.figure(&[], used.cpu.as_secs_f64());
    text.family(Kind::Gauge, "process_resident_memory_bytes", "Resident memory of the daemon.");
    text.figure(&[], used.memory);
    text.family(Kind::Gauge, "process_open_fds", "Descriptors that the daemon has open.");
    text.figure(&[], proc::descriptors(facts.pid).unwrap_or(0));
    let help = "When the daemon began, or began anew, in seconds since the epoch.";
    text.family(Kind::Gauge, "process_start_time_seconds", help);
    text.figure(&[], facts.started.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Stdio;

    use super::*;
    use crate::api::tests::fake::{Fake, process};
    use crate::model::{ExitStatus, ProcessInfo, StateCode, WallTime};

    fn fleet() -> Fake {
        let mut own = process("g:web \"x\"", StateCode::Running);
        own.pid = std::process::id() as i32;
        own.changed = WallTime(1_500_000);
        own.starts = 3;
        let mut ended = process("ended", StateCode::Exited);
        ended.last_exit = Some(ExitStatus::Code(3));
        let never = ProcessInfo { starts: 0, ..process("never", StateCode::Stopped) };
        Fake::new(&[own, ended, never])
    }

    async fn text(format: Format) -> String {
        let fake = fleet();
        fake.api.dispatch("supervisor.getState", Vec::new()).await.unwrap();
        fake.api.dispatch("supervisor.getProcessInfo", vec!["nope".into()]).await.unwrap_err();
        let meters = Arc::<Meters>::default();
        meters.answered(StatusCode::OK);
        let _open = meters.connection();
        Metrics::new(meters).text(&fake.api, format).await
    }

    #[tokio::test]
    async fn programs_and_the_daemon_are_told() {
        let text = text(Format::OpenMetrics).await;
        let web = r#"{name="web \"x\"",group="g"}"#;
        for line in [
            format!("node_supervisord_up{web} 1"),
            format!("node_supervisord_state{web} 20"),
            format!("node_supervisord_start_time_seconds{web} 1000000000"),
            format!("supervisord_process_restarts_total{web} 2"),
            format!("supervisord_process_state_timestamp_seconds{web} 1.5"),
            r#"node_supervisord_exit_status{name="ended",group="ended"} 3"#.to_owned(),
            r#"node_supervisord_up{name="never",group="never"} 0"#.to_owned(),
            r#"supervisord_process_restarts_total{name="never",group="never"} 0"#.to_owned(),
            r#"supervisord_processes{state="RUNNING"} 1"#.to_owned(),
            r#"supervisord_operation_failures_total{operation="supervisor.getProcessInfo"} 1"#
                .to_owned(),
            r#"supervisord_operation_seconds_count{operation="supervisor.getState"} 1"#.to_owned(),
            r#"supervisord_http_requests_total{status="2xx"} 1"#.to_owned(),
            "supervisord_http_connections 1".to_owned(),
            "supervisord_state 1".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let used = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}{web} ")));
            line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).to_owned()
        };
        used("supervisord_process_cpu_seconds_total");
        used("supervisord_process_memory_bytes");
        used("supervisord_process_open_fds");
        assert!(!text.contains("start_time_seconds{name=\"never\""));
        assert!(!text.contains("operation=\"supervisor.shutdown\""), "never asked for");
        assert!(text.ends_with("# EOF\n"));
        let families = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
        assert_eq!(families, text.lines().filter(|line| line.starts_with("# HELP ")).count());
    }

    #[tokio::test]
    async fn the_page_on_metrics_has_every_family() {
        let page = include_str!("../../docs/metrics.md");
        let text = text(Format::OpenMetrics).await;
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let missing: Vec<_> = families
            .filter_map(|line| {
                let (name, kind) = line.split_once(' ').unwrap();
                let suffix = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                let row = format!("| `{name}{suffix}` | {kind} |");
                (!page.contains(&row)).then_some(row)
            })
            .collect();
        assert!(missing.is_empty(), "docs/metrics.md lacks {missing:#?}");
    }

    /// Prometheus's own tool reads it, and finds nothing to say about names and help.
    #[tokio::test]
    async fn prometheus_can_read_it() {
        #![allow(clippy::disallowed_types, reason = "no reaper runs in this test")]
        let text = text(Format::Prometheus).await;
        let tool = std::process::Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut tool = match tool {
            Ok(tool) => tool,
            Err(why) => {
                println!("skipped: cannot run promtool (Debian: prometheus): {why}");
                return;
            }
        };
        tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let outcome = tool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned()
            + &String::from_utf8_lossy(&outcome.stdout);
        assert!(outcome.status.success() && said.trim().is_empty(), "{said}");
    }
}
