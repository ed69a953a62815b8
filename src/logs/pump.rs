//! One pipe, and when it is read.
//!
//! A quiet program's pipe is watched and read the moment it has something. One that wrote twice
//! within [`GATHER`] is chatty: it is not watched but read by the clock, every [`GATHER`] on a
//! grid that all chatty programs share, so that one wake-up serves them all and its writes cost
//! nobody anything. Where that would let the pipe run full, it is enlarged and read sooner. One
//! that writes so much at once that each wake-up finds plenty is watched all the same: no clock is
//! as exact as the writer itself, and a full pipe holds it up.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd;

use super::Stream;
use super::ansi::Stripper;
use super::counts::ProcessCounts;
use super::ears::Ears;
use super::route::Route;
use crate::model::ProcessId;

/// Time since the log thread's start, on the monotonic clock.
pub(super) type Moment = Duration;

/// How long the output of a chatty program gathers in its pipe before it is read.
pub(super) const GATHER: Duration = Duration::from_millis(25);

/// A pipe that is half full sooner than this is not left to the clock, which is not that precise.
const WORTH_SLEEPING: Duration = Duration::from_micros(200);

/// Bytes that make a wake-up worth it.
const PLENTY_BYTES: usize = 32 << 10;

/// Wake-ups in a row that find less than [`PLENTY_BYTES`], until a pipe that was full is left to
/// the clock. A large write that meets an almost full pipe comes in two parts.
const POOR_WAKES_MAX: u8 = 4;

/// What the pipe of a program that fills the usual 64 KiB is enlarged to: enough for reader and
/// writer to be out of step, and little enough to stay in a processor's cache between the two.
/// (1 MiB is slower.)
const ENLARGED_BYTES: usize = 256 << 10;

/// What it is set back to when the program is quiet again.
const USUAL_BYTES: usize = 64 << 10;

/// Read errors in a row, [`super::sink::RETRY_AFTER`] apart, until a pipe is given up.
const FAILURES_MAX: u32 = 5;

/// One pipe on its way to a sink.
#[derive(Debug)]
pub(super) struct Pump {
    pub process: ProcessId,
    pub stream: Stream,
    /// Where it goes.
    pub route: Route,
    pub stripper: Option<Stripper>,
    pub counts: Arc<ProcessCounts>,
    /// What makes events of it; `None` for most.
    pub ears: Option<Box<Ears>>,
    pub pace: Pace,
    pub capacity: usize,
    pipe: OwnedFd,
    failures: u32,
}

/// What a read came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// So many bytes, at least one.
    Bytes(usize),
    /// There is nothing now.
    Nothing,
    /// Nobody can write any more.
    EndOfFile,
    /// The read failed and should be tried again later.
    Failed(Errno),
    /// The read failed too often: nobody will read this pipe, and the writers must know.
    GivenUp(Errno),
}

impl Pump {
    /// A pump of the reading end of a pipe, which becomes non-blocking; it leads nowhere yet.
    ///
    /// # Errors
    /// The descriptor cannot be used.
    pub fn new(
        process: ProcessId,
        stream: Stream,
        pipe: OwnedFd,
        stripper: Option<Stripper>,
        counts: Arc<ProcessCounts>,
    ) -> io::Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&pipe, FcntlArg::F_GETFL)?);
        fcntl(&pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let capacity = fcntl(&pipe, FcntlArg::F_GETPIPE_SZ).map_or(USUAL_BYTES, |n| n as usize);
        let pace = Pace::default();
        let route = Route::default();
        Ok(Self {
            process,
            stream,
            route,
            stripper,
            counts,
            ears: None,
            pace,
            capacity,
            pipe,
            failures: 0,
        })
    }

    /// The same with these ears.
    pub fn with(self, ears: Option<Ears>) -> Self {
        Self { ears: ears.map(Box::new), ..self }
    }

    /// Reads once.
    pub fn take(&mut self, buffer: &mut [u8]) -> Taken {
        let read = loop {
            match unistd::read(&self.pipe, buffer) {
                Err(Errno::EINTR) => {}
                other => break other,
            }
        };
        self.judge(read)
    }

    fn judge(&mut self, read: nix::Result<usize>) -> Taken {
        self.failures = if let Err(errno) = read
            && errno != Errno::EAGAIN
        {
            self.failures + 1
        } else {
            0
        };
        match read {
            Ok(0) => Taken::EndOfFile,
            Ok(count) => Taken::Bytes(count),
            Err(Errno::EAGAIN) => Taken::Nothing,
            Err(errno) if self.failures < FAILURES_MAX => Taken::Failed(errno),
            Err(errno) => Taken::GivenUp(errno),
        }
    }

    /// How many bytes can be read now.
    pub fn waiting(&self) -> usize {
        let mut count: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int to the pointer, which is to a live one.
        let outcome = unsafe { libc::ioctl(self.pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) };
        if outcome == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
    }

    /// Whether its pipe holds more than usual.
    pub fn is_enlarged(&self) -> bool {
        self.capacity >= ENLARGED_BYTES
    }

    /// Makes room for more; without effect where the system does not grant it.
    pub fn enlarge(&mut self) {
        self.resize(ENLARGED_BYTES);
    }

    /// Gives the room back.
    pub fn shrink(&mut self) {
        self.resize(USUAL_BYTES);
    }

    fn resize(&mut self, bytes: usize) {
        if let Ok(granted) = fcntl(&self.pipe, FcntlArg::F_SETPIPE_SZ(bytes as libc::c_int)) {
            self.capacity = granted as usize;
        }
    }
}

impl AsFd for Pump {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Decides when a pipe is read next.
#[derive(Debug, Default)]
pub(super) struct Pace {
    gathering: bool,
    last_data: Moment,
    /// Poor wake-ups that are left of [`POOR_WAKES_MAX`].
    wakes: u8,
}

/// When to read a pipe next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// When the system says that it has something.
    Watched,
    /// The same, but it will have something at once.
    Awaited,
    /// At this moment, whatever it has by then.
    At(Moment),
}

impl Pace {
    /// After a read at `now` that found so many bytes in a pipe of this capacity.
    pub fn after(&mut self, now: Moment, found: usize, capacity: usize) -> Next {
        let since_data = now.saturating_sub(self.last_data);
        if found > 0 {
            self.last_data = now;
        }
        let chatty = if self.gathering {
            found > 0 || since_data < GATHER / 2
        } else {
            found >= capacity / 2 || (found > 0 && since_data < GATHER)
        };
        let sudden = !mem::replace(&mut self.gathering, chatty) && found >= capacity / 2;
        if !chatty {
            self.wakes = 0;
            return Next::Watched;
        }
        if found >= capacity {
            // The writer was held up, so nobody knows how fast it is.
            self.wakes = POOR_WAKES_MAX;
            return Next::At(now);
        }
        if sudden || (self.wakes > 0 && found >= PLENTY_BYTES) {
            self.wakes = POOR_WAKES_MAX;
            return Next::Awaited;
        }
        self.wakes = self.wakes.saturating_sub(1);
        let until_half_full = if found == 0 {
            GATHER
        } else {
            since_data.mul_f64(capacity as f64 / 2.0 / found as f64)
        };
        if self.wakes > 0 || until_half_full < WORTH_SLEEPING {
            return Next::Awaited;
        }
        Next::At(next_on_grid(now).min(now.saturating_add(until_half_full)))
    }
}

/// The next moment at which chatty pipes are read, not too soon after this one.
pub(super) fn next_on_grid(now: Moment) -> Moment {
    let grid = GATHER.as_nanos() as u64;
    let soonest = now.as_nanos() as u64 + grid / 4;
    Duration::from_nanos((soonest / grid + 1) * grid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: usize = 65_536;

    /// So many thirds of [`GATHER`].
    fn at(thirds: u32) -> Moment {
        GATHER * thirds / 3
    }

    #[test]
    fn a_quiet_pipe_is_watched_and_a_chatty_one_read_on_the_grid() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(at(300), 50, PIPE), Next::Watched);
        assert_eq!(pace.after(at(304), 50, PIPE), Next::Watched);
        assert_eq!(pace.after(at(305), 50, PIPE), Next::At(at(306)), "the second so soon");
        assert_eq!(pace.after(at(306), 50, PIPE), Next::At(at(309)));
        assert_eq!(pace.after(at(309), 0, PIPE), Next::Watched);
        assert_eq!(pace.after(at(320), 50, PIPE), Next::Watched);
    }

    #[test]
    fn a_fast_writer_is_read_before_its_pipe_is_full() {
        let mut pace = Pace::default();
        let third = at(1);
        assert_eq!(pace.after(at(300), 50, PIPE), Next::Watched);
        // A quarter in so much time: a half in twice as much.
        let (first, second) = (at(300) + third / 4, at(300) + third * 3 / 4);
        assert_eq!(pace.after(first, PIPE / 4, PIPE), Next::At(second));
        let third_time = second + third / 2;
        assert_eq!(pace.after(second, PIPE / 2, PIPE), Next::At(third_time));
        assert_eq!(pace.after(third_time, 0, PIPE), Next::At(at(303)), "one more look");
    }

    #[test]
    fn a_writer_too_fast_for_the_clock_is_awaited() {
        let mut pace = Pace::default();
        let soon = Duration::from_micros(100);
        assert_eq!(pace.after(at(300), 50, PIPE), Next::Watched);
        for n in 1..10 {
            assert_eq!(pace.after(at(300) + soon * n, PIPE / 2 - 1, PIPE), Next::Awaited);
        }
    }

    #[test]
    fn large_writes_are_awaited_however_slow_until_they_are_small() {
        let mut pace = Pace::default();
        let milli = Duration::from_millis(1);
        assert_eq!(pace.after(at(300), PIPE / 2, PIPE), Next::Awaited, "all of a sudden");
        assert_eq!(pace.after(at(300) + milli, PIPE, PIPE), Next::At(at(300) + milli), "held up");
        for n in 2..5 {
            assert_eq!(pace.after(at(300) + milli * n, PLENTY_BYTES, PIPE), Next::Awaited);
            // What was left of the write.
            assert_eq!(pace.after(at(300) + milli * n, 3000, PIPE), Next::Awaited);
        }
        let mut poor = 1;
        while pace.after(at(300) + milli * (5 + poor), 3000, PIPE) == Next::Awaited {
            poor += 1;
        }
        assert_eq!(poor, u32::from(POOR_WAKES_MAX) - 1);
    }

    #[test]
    fn a_read_error_is_tried_again_and_a_lasting_one_ends_the_pump() {
        let (reader, _writer) = unistd::pipe().unwrap();
        let process = ProcessId::new("p", "p");
        let mut pump = Pump::new(process, Stream::Stdout, reader, None, Arc::default()).unwrap();
        for _ in 0..2 {
            for _ in 1..FAILURES_MAX {
                assert_eq!(pump.judge(Err(Errno::EIO)), Taken::Failed(Errno::EIO));
            }
            assert_eq!(pump.judge(Ok(5)), Taken::Bytes(5), "which makes up for all before");
        }
        let last = (0..FAILURES_MAX).map(|_| pump.judge(Err(Errno::EIO))).last();
        assert_eq!(last, Some(Taken::GivenUp(Errno::EIO)));
    }
}
