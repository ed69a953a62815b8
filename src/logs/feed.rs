//! The log of an event listener's standard output, which the supervisor reads and hands on.

use std::sync::Arc;

use super::Stream;
use super::ansi::Stripper;
use super::counts::ProcessCounts;
use super::outlet::Outlet;
use super::route::Route;
use crate::config::setting::LogLevel;
use crate::model::ProcessId;
use crate::model::notice::python_bytes;

/// Where it goes.
#[derive(Debug)]
pub(super) struct Feed {
    pub route: Route,
    pub stripper: Option<Stripper>,
    pub counts: Arc<ProcessCounts>,
}

impl Feed {
    /// The listener has printed this.
    pub fn take(&mut self, process: &ProcessId, bytes: &[u8], outlet: &mut Outlet) {
        if outlet.activity.logs(LogLevel::Debug) {
            let text = format!("'{}' stdout output:\n{}", process.name, python_bytes(bytes));
            outlet.report(LogLevel::Debug, &text);
        }
        let mut stripped = Vec::new();
        let bytes = match &mut self.stripper {
            Some(stripper) => {
                stripper.strip(bytes, &mut stripped);
                &stripped
            }
            None => bytes,
        };
        self.counts.of(Stream::Stdout).came(bytes.len());
        self.write(bytes, outlet);
    }

    /// Its child has ended.
    pub fn finish(mut self, outlet: &mut Outlet) {
        if let Some(mut stripper) = self.stripper.take() {
            let mut rest = Vec::new();
            stripper.finish(&mut rest);
            self.write(&rest, outlet);
        }
        let now = outlet.now();
        self.route.release(&mut outlet.sinks, now, self.counts.of(Stream::Stdout));
    }

    fn write(&mut self, bytes: &[u8], outlet: &mut Outlet) {
        let now = outlet.now();
        self.route.write(bytes, &mut outlet.sinks, now, self.counts.of(Stream::Stdout));
    }
}
