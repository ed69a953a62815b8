//! What every operation costs and how often it fails, whichever face asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::operations::OPERATIONS;
use super::spec::Spec;
use crate::model::Histogram;

/// What is counted of one operation.
#[derive(Debug, Default)]
pub struct OperationMeter {
    /// How long each call took, until it was answered.
    pub time: Histogram,
    failures: AtomicU64,
}

/// One for each operation.
#[derive(Debug)]
pub struct OperationMeters(HashMap<&'static str, OperationMeter>);

impl Default for OperationMeters {
    fn default() -> Self {
        Self(OPERATIONS.iter().map(|entry| (entry.spec.name, OperationMeter::default())).collect())
    }
}

impl OperationMeters {
    /// A call that began then was answered.
    pub fn count(&self, spec: &Spec, begun: Instant, succeeded: bool) {
        if let Some(meter) = self.0.get(spec.name) {
            meter.time.add(begun.elapsed());
            if !succeeded {
                meter.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Every operation, by name, with what was counted.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &OperationMeter)> {
        OPERATIONS.iter().filter_map(|entry| Some((entry.spec.name, self.0.get(entry.spec.name)?)))
    }
}

impl OperationMeter {
    /// How many calls were answered with a failure.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
