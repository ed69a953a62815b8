//! What a process may use: the control group's limits, setrlimit(2)'s, and its place among others.

use std::fmt;
use std::ops::RangeInclusive;

use super::section::Section;
use super::setting;

/// No limit at all; setrlimit(2) knows it by the same number.
pub const INFINITY: u64 = u64::MAX;

/// The range of nice(2).
const NICE: RangeInclusive<i32> = -20..=19;

/// The range of proc_pid_oom_score_adj(5).
const OOM_SCORE_ADJ: RangeInclusive<i32> = -1000..=1000;

/// The range of the control group's `cpu.weight`, of which 100 is everyone's who sets nothing.
const CPU_WEIGHT: RangeInclusive<u32> = 1..=10_000;

/// The limits of one process. What is `None` or not there is not set: it stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory past which one of its processes is killed; may be [`INFINITY`].
    pub memory_max: Option<u64>,
    /// Bytes of memory past which its processes are slowed down; may be [`INFINITY`].
    pub memory_high: Option<u64>,
    /// Its share of processor time, beside its neighbours'.
    pub cpu_weight: Option<u32>,
    /// Processes and threads it may have in all; may be [`INFINITY`].
    pub tasks_max: Option<u64>,
    /// Limits of the kernel for the process and what it starts, in the order of [`Resource`].
    pub resources: Vec<ResourceLimit>,
    /// Its nice value (nice(2)).
    pub nice: Option<i32>,
    /// How soon it is killed when memory runs out (proc_pid_oom_score_adj(5)).
    pub oom_score_adj: Option<i32>,
}

impl Limits {
    /// Whether one is set that only a control group can hold it to.
    #[must_use]
    pub fn need_cgroup(&self) -> bool {
        self.memory_max.is_some()
            || self.memory_high.is_some()
            || self.cpu_weight.is_some()
            || self.tasks_max.is_some()
    }
}

/// One limit as setrlimit(2) takes it, in the resource's own unit; either may be [`INFINITY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimit {
    /// What is limited.
    pub resource: Resource,
    /// What the process is held to. It may raise it up to `hard`.
    pub soft: u64,
    /// What only root can raise again.
    pub hard: u64,
}

/// `limit_nofile to 1024:4096`, as in a sentence about setting it.
impl fmt::Display for ResourceLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |limit: u64| match limit {
            INFINITY => "infinity".to_owned(),
            limit => limit.to_string(),
        };
        write!(f, "{} to {}:{}", self.resource.key(), shown(self.soft), shown(self.hard))
    }
}

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident $key:literal $read:ident,)*) => {
        /// What setrlimit(2) limits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Resource {
            $($(#[$doc])* $name,)*
        }

        impl Resource {
            /// The key that sets it.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }
        }

        /// Every resource and how its numbers are read.
        const RESOURCES: &[(Resource, fn(&str) -> Result<u64, String>)] =
            &[$((Resource::$name, $read),)*];
    };
}

resources! {
    /// Bytes of address space.
    As "limit_as" size,
    /// Bytes of a core file.
    Core "limit_core" size,
    /// Seconds of processor time.
    Cpu "limit_cpu" count,
    /// Bytes of data segment.
    Data "limit_data" size,
    /// Bytes of a file it writes.
    Fsize "limit_fsize" size,
    /// File locks.
    Locks "limit_locks" count,
    /// Bytes of locked memory.
    Memlock "limit_memlock" size,
    /// Bytes in message queues of its user's.
    Msgqueue "limit_msgqueue" size,
    /// How far it may lower its nice value: to 20 less this.
    Nice "limit_nice" count,
    /// One more than the highest descriptor.
    Nofile "limit_nofile" count,
    /// Processes and threads of its user's.
    Nproc "limit_nproc" count,
    /// Bytes of resident memory, which Linux does not enforce.
    Rss "limit_rss" size,
    /// Real-time priority.
    Rtprio "limit_rtprio" count,
    /// Microseconds of real-time processor time without a blocking call.
    Rttime "limit_rttime" count,
    /// Signals queued for its user's processes.
    Sigpending "limit_sigpending" count,
    /// Bytes of stack.
    Stack "limit_stack" size,
}

/// Reads the keys that every program has.
pub(super) fn read(section: &mut Section<'_>) -> Limits {
    let mut limits = Limits {
        memory_max: section.take("memory_max", |text| size(text).and_then(above_zero)),
        memory_high: section.take("memory_high", |text| size(text).and_then(above_zero)),
        cpu_weight: section.take("cpu_weight", |text| within(text, CPU_WEIGHT)),
        tasks_max: section.take("tasks_max", |text| count(text).and_then(above_zero)),
        resources: Vec::new(),
        nice: section.take("nice", |text| within(text, NICE)),
        oom_score_adj: section.take("oom_score_adj", |text| within(text, OOM_SCORE_ADJ)),
    };
    for &(resource, read) in RESOURCES {
        let limit = section.take(resource.key(), |text| soft_and_hard(text, read));
        limits.resources.extend(limit.map(|(soft, hard)| ResourceLimit { resource, soft, hard }));
    }
    if let (Some(high), Some(max)) = (limits.memory_high, limits.memory_max)
        && high != INFINITY
        && high >= max
    {
        let message = "is not below memory_max and has no effect: expected a lower one";
        section.warn("memory_high", message.to_owned());
    }
    limits
}

/// `soft:hard`, or one value for both.
fn soft_and_hard(text: &str, read: fn(&str) -> Result<u64, String>) -> Result<(u64, u64), String> {
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    let (soft, hard) = (read(soft)?, read(hard)?);
    if soft > hard {
        return Err(format!("{text:?} is not possible: expected SOFT:HARD, HARD the greater"));
    }
    Ok((soft, hard))
}

/// Bytes, with `KB`, `MB` or `GB`, or `infinity`.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let expected = "expected bytes, or KB, MB or GB, or infinity";
    if text.eq_ignore_ascii_case("infinity") {
        return Ok(INFINITY);
    }
    match setting::byte_size(text) {
        // Elsewhere less than nothing is nothing, which nobody means by a limit.
        Ok(size) if !text.starts_with('-') => Ok(size),
        _ => Err(format!("{text:?} is not a size: {expected}")),
    }
}

/// A number or `infinity`.
fn count(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("infinity") {
        return Ok(INFINITY);
    }
    let number = setting::integer(text).ok().and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| format!("{text:?} is not a limit: expected a whole number or infinity"))
}

/// With nothing at all there would be no process.
fn above_zero(limit: u64) -> Result<u64, String> {
    if limit == 0 { Err("0 would let nothing run: expected more".to_owned()) } else { Ok(limit) }
}

/// A whole number of this range.
fn within<T>(text: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: TryFrom<i64> + PartialOrd + fmt::Display,
{
    let number = setting::integer(text)?;
    T::try_from(number).ok().filter(|number| range.contains(number)).ok_or_else(|| {
        format!("{number} is out of range: expected {} to {}", range.start(), range.end())
    })
}
