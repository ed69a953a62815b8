//! How many calls may wait for something at one time. What can be answered at once is not counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::failure::Failure;

/// Calls of one caller that wait; one more is refused.
pub const CALLS_OF_A_CALLER_MAX: usize = 64;
/// Calls of all callers that wait; one more is refused.
pub const CALLS_MAX: usize = 512;
/// Bytes that the arguments of all calls that wait may take; what goes past it is refused.
pub const WAITING_BYTES_MAX: usize = 16 << 20;

/// The calls that wait.
#[derive(Debug, Default)]
pub struct Flights {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    of_callers: HashMap<String, usize>,
    calls: usize,
    bytes: usize,
}

/// A call that waits, as long as this lives.
#[derive(Debug)]
pub struct Flight {
    flights: Arc<Flights>,
    caller: String,
    bytes: usize,
}

impl Flights {
    /// Counts one call more.
    ///
    /// # Errors
    /// `LimitsExceeded`, with the limit.
    pub fn begin(self: &Arc<Self>, caller: String, bytes: usize) -> Result<Flight, Failure> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.of_callers.get(&caller).copied().unwrap_or(0);
        let refuse = |what: String| Err(Failure::limits_exceeded(what));
        if own >= CALLS_OF_A_CALLER_MAX {
            return refuse(format!("{own} calls of yours wait for an answer, which is the limit"));
        }
        if counts.calls >= CALLS_MAX {
            return refuse(format!("{CALLS_MAX} calls wait for an answer, which is the limit"));
        }
        if counts.bytes + bytes > WAITING_BYTES_MAX {
            return refuse(format!(
                "the arguments of the calls that wait take {} bytes: {WAITING_BYTES_MAX} are the \
                 limit",
                counts.bytes
            ));
        }
        counts.calls += 1;
        counts.bytes += bytes;
        counts.of_callers.insert(caller.clone(), own + 1);
        Ok(Flight { flights: self.clone(), caller, bytes })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut counts = self.flights.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.calls -= 1;
        counts.bytes -= self.bytes;
        if let Some(own) = counts.of_callers.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                counts.of_callers.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_floods_is_refused_and_others_are_not() {
        let flights = Arc::new(Flights::default());
        let mut held: Vec<_> =
            (0..CALLS_OF_A_CALLER_MAX).map(|_| flights.begin(":1.1".into(), 1).unwrap()).collect();
        let why = flights.begin(":1.1".into(), 1).unwrap_err();
        assert!(why.name.ends_with("LimitsExceeded") && why.text.contains("64"), "{why:?}");
        flights.begin(":1.2".into(), 1).unwrap();
        held.pop();
        flights.begin(":1.1".into(), 1).unwrap();
        drop(held);
        let counts = flights.counts.lock().unwrap();
        assert_eq!((counts.calls, counts.bytes, counts.of_callers.len()), (0, 0, 0));
    }

    #[test]
    fn all_together_are_bounded_too() {
        let flights = Arc::new(Flights::default());
        let held: Vec<_> =
            (0..CALLS_MAX).map(|n| flights.begin(format!(":1.{n}"), 0).unwrap()).collect();
        assert!(flights.begin(":1.9999".into(), 0).is_err());
        drop(held);
        let _held = flights.begin(":1.1".into(), WAITING_BYTES_MAX).unwrap();
        assert!(flights.begin(":1.2".into(), 1).is_err());
    }
}
