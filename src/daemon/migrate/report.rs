//! What `supervisord migrate` prints.

use std::fmt::Write;
use std::path::Path;

use super::units::OwnUnit;
use crate::config::migrate::{FINDINGS_MAX, Finding, Inspection, Kind};

/// Everything that was found out.
pub(super) struct Report<'a> {
    pub path: &'a Path,
    /// Where a path that is not absolute begins.
    pub cwd: &'a Path,
    pub inspection: &'a Inspection,
    /// The commands that stop the other daemon.
    pub stop: &'a [String],
    pub unit: &'a OwnUnit,
}

/// What can be done next.
struct Step {
    command: String,
    why: &'static str,
}

impl Report<'_> {
    /// For people, or for programs as one JSON object; and the exit status. `all` adds what means
    /// the same.
    pub fn render(&self, json: bool, all: bool) -> (String, u8) {
        let shown: Vec<_> = self.findings().filter(|one| all || one.kind != Kind::Same).collect();
        let status = match self.worst() {
            Kind::Error => 2,
            Kind::NotServed | Kind::Differs => 1,
            Kind::Note | Kind::Same => 0,
        };
        (if json { self.as_json(&shown) } else { self.as_text(&shown) }, status)
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.inspection.findings.iter()
    }

    fn worst(&self) -> Kind {
        self.findings().map(|finding| finding.kind).min().unwrap_or(Kind::Same)
    }

    fn as_json(&self, shown: &[&Finding]) -> String {
        let next: Vec<_> = self.next().into_iter().map(|step| step.command).collect();
        let report = serde_json::json!({
            "ok": self.worst() != Kind::Error,
            "from": self.inspection.from.word(),
            "reason": self.inspection.reason,
            "problems": shown,
            "summary": self.summary(),
            "next": next,
        });
        format!("{report}\n")
    }

    fn as_text(&self, shown: &[&Finding]) -> String {
        let Inspection { from, reason, .. } = self.inspection;
        let path = self.path.display();
        let mut text = format!("{path}: taken for a configuration of {from}, as {reason}\n");
        for finding in shown {
            // Cannot fail: a String takes everything.
            _ = writeln!(text, "{finding}");
        }
        _ = writeln!(text, "\n{}", self.summary());
        text += "\nNext:\n";
        for Step { command, why } in self.next() {
            _ = writeln!(text, "  {command}\n      {why}");
        }
        text
    }

    fn summary(&self) -> String {
        let count = |kind| self.findings().filter(|finding| finding.kind == kind).count();
        let (errors, unserved) = (count(Kind::Error), count(Kind::NotServed));
        let (different, notes) = (count(Kind::Differs), count(Kind::Note));
        let dropped = match self.inspection.dropped {
            0 => String::new(),
            dropped => format!(" ({dropped} findings past the first {FINDINGS_MAX} are not told)"),
        };
        let s = |count| if count == 1 { "" } else { "s" };
        let counted = format!(
            "{errors} error{}, {unserved} not served, {different} different, {notes} note{}",
            s(errors),
            s(notes)
        );
        let verdict = match self.worst() {
            Kind::Error => "The file cannot be used as it is",
            Kind::NotServed => "The file can be used, but not everything in it has its effect",
            Kind::Differs => "The file can be used, and something differs",
            Kind::Note | Kind::Same => "The file can be used, and nothing in it has to change",
        };
        format!("{verdict}: {counted}{dropped}.")
    }

    fn next(&self) -> Vec<Step> {
        // The commands may be given anywhere.
        let file = self.cwd.join(self.path);
        let path = quoted(&file);
        if self.worst() == Kind::Error {
            let again = format!("supervisord migrate {path}");
            let why = "once every line that is an error is changed";
            return vec![Step { command: again, why }];
        }
        let mut steps = vec![Step {
            command: format!("supervisord check {path}"),
            why: "tells whether the file can be used, after each change",
        }];
        for command in self.stop {
            let why = "stops the other daemon and its programs";
            steps.push(Step { command: command.clone(), why });
        }
        if file != self.unit.configuration {
            steps.push(Step {
                command: "systemctl edit supervisord".to_owned(),
                why: "an empty ExecStart=, and below it ExecStart=/usr/bin/supervisord -n -c with this \
                      file, as the unit names another",
            });
        }
        steps.push(Step {
            command: "systemctl enable --now supervisord.service".to_owned(),
            why: "starts this one; without systemd: supervisord -c with this file",
        });
        steps.push(Step {
            command: format!("supervisorctl -c {path} status"),
            why: "shows the programs",
        });
        steps
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@:,=%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
