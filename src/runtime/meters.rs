//! What the supervision loop counts of itself.

use std::time::Instant;

use crate::model::Histogram;

/// How promptly the loop turns.
#[derive(Debug, Default)]
pub struct LoopMeters {
    /// How long a request, or a deadline that was due, waited until the loop took it up.
    pub delay: Histogram,
    /// How long a turn took, its effects and what others did in between included.
    pub turn: Histogram,
}

impl LoopMeters {
    /// What was due at `due` is taken up now.
    pub fn taken_up(&self, due: Instant) {
        self.delay.add(due.elapsed());
    }
}
