//! Operations on logs. The log plane is asked to have written everything; then the file is read,
//! on a thread of its own, since a disk may stall.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Api;
use super::operations::{
    ClearAllProcessLogs, ClearLog, ClearProcessLogs, ReadLog, ReadProcessStderrLog,
    ReadProcessStdoutLog, TailProcessStderrLog, TailProcessStdoutLog,
};
use super::process::{Statuses, by_priority, named};
use crate::core::event::ProcessStatus;
pub use crate::logs::Stream;
use crate::logs::read::{ReadError, Tail, read_window, tail_window};
use crate::logs::{Follower, LogId};
use crate::model::{Error, ErrorKind, ProcessId, ProcessInfo};
use crate::xmlrpc::Value;

/// A piece of a log. Offsets and lengths count these bytes; on a wire that carries only text,
/// what is not UTF-8 is shown as U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogText(pub Vec<u8>);

/// The end of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogTail {
    /// Its bytes.
    pub data: Vec<u8>,
    /// The log's size in bytes.
    pub offset: u64,
    /// Whether there was more than was asked for.
    pub overflow: bool,
}

/// `supervisor.readLog`
pub async fn read_main(api: &Api, request: ReadLog) -> Result<LogText, Error> {
    Log::main(api).read(api, request.offset, request.length).await
}

/// `supervisor.readProcessStdoutLog`
pub async fn read_stdout(api: &Api, request: ReadProcessStdoutLog) -> Result<LogText, Error> {
    let ReadProcessStdoutLog { name, offset, length } = request;
    Log::of(api, &name, Stream::Stdout)?.read(api, offset, length).await
}

/// `supervisor.readProcessStderrLog`
pub async fn read_stderr(api: &Api, request: ReadProcessStderrLog) -> Result<LogText, Error> {
    let ReadProcessStderrLog { name, offset, length } = request;
    Log::of(api, &name, Stream::Stderr)?.read(api, offset, length).await
}

/// `supervisor.tailProcessStdoutLog`
pub async fn tail_stdout(api: &Api, request: TailProcessStdoutLog) -> Result<LogTail, Error> {
    let TailProcessStdoutLog { name, offset, length } = request;
    Log::of(api, &name, Stream::Stdout)?.tail(api, offset, length).await
}

/// `supervisor.tailProcessStderrLog`
pub async fn tail_stderr(api: &Api, request: TailProcessStderrLog) -> Result<LogTail, Error> {
    let TailProcessStderrLog { name, offset, length } = request;
    Log::of(api, &name, Stream::Stderr)?.tail(api, offset, length).await
}

/// `supervisor.clearLog`. The log plane says in the log that it did.
pub async fn clear_main(api: &Api, _: ClearLog) -> Result<bool, Error> {
    let path = api.logs.activity_path().ok_or(ErrorKind::NoFile)?.to_owned();
    api.logs.sync(LogId::Main).await;
    if !blocking(move || path.exists()).await? {
        return Err(ErrorKind::NoFile.into());
    }
    api.logs.clear(LogId::Main).await.map_err(|_| ErrorKind::Failed)?;
    Ok(true)
}

/// `supervisor.clearProcessLogs`
pub async fn clear(api: &Api, request: ClearProcessLogs) -> Result<bool, Error> {
    let process = named(&api.snapshot(), &request.name)?;
    clear_both(api, &process.id).await.map_err(|kind| Error::new(kind, request.name))?;
    Ok(true)
}

/// `supervisor.clearAllProcessLogs`
pub async fn clear_all(api: &Api, _: ClearAllProcessLogs) -> Result<Statuses, Error> {
    let snapshot = api.snapshot();
    let mut statuses = Vec::new();
    for process in by_priority(&snapshot) {
        let id = process.id.clone();
        let cleared = clear_both(api, &id).await;
        let result = cleared.map_err(|kind| Error::new(kind, id.to_string()));
        statuses.push(ProcessStatus { id, result });
    }
    Ok(Statuses(statuses))
}

/// A log of a process, opened to be read, for faces that can pass a descriptor on.
///
/// # Errors
/// `BadName`; `NoFile` if it is kept in no regular file; `Failed`.
pub async fn open(api: &Api, name: &str, stream: Stream) -> Result<OwnedFd, Error> {
    Log::of(api, name, stream)?.open(api).await.map(Into::into)
}

/// The path a stream of a process is kept at; `None` if it is kept in no file.
#[must_use]
pub fn path_of(process: &ProcessInfo, stream: Stream) -> Option<PathBuf> {
    let path = match stream {
        Stream::Stdout => &process.facts.stdout_logfile,
        Stream::Stderr => &process.facts.stderr_logfile,
    };
    path.as_deref().map(Path::to_owned)
}

/// A log and where it is.
#[derive(Clone, Debug)]
pub struct Log {
    id: LogId,
    path: Option<PathBuf>,
}

impl Log {
    /// The activity log.
    #[must_use]
    pub fn main(api: &Api) -> Self {
        Self { id: LogId::Main, path: api.logs.activity_path().map(Into::into) }
    }

    /// A stream of the process of this name.
    ///
    /// # Errors
    /// `BadName`
    pub fn of(api: &Api, name: &str, stream: Stream) -> Result<Self, Error> {
        let process = named(&api.snapshot(), name)?;
        let path = path_of(&process, stream);
        Ok(Self { id: LogId::Process(process.id.clone(), stream), path })
    }

    /// Opens it to be read, when all that was written is in it. Its end may be found in rotated
    /// files or none.
    ///
    /// # Errors
    /// `NoFile` if it is kept in no regular file; `Failed`.
    pub async fn open(self, api: &Api) -> Result<File, Error> {
        let path = self.path.ok_or(ErrorKind::NoFile)?;
        api.logs.sync(self.id).await;
        open_file(path).await
    }

    /// A live view of it.
    ///
    /// # Errors
    /// `NoFile` if it is kept in no file, or in one that is not there yet.
    pub async fn follow(self, api: &Api) -> Result<Follower, Error> {
        let path = self.path.ok_or(ErrorKind::NoFile)?;
        api.logs.sync(self.id.clone()).await;
        let shown = path.display().to_string();
        if !blocking(move || path.exists()).await? {
            return Err(Error::new(ErrorKind::NoFile, shown));
        }
        let follower = api.logs.follow(self.id).await;
        follower.ok_or_else(|| Error::new(ErrorKind::NoFile, shown))
    }

    async fn read(self, api: &Api, offset: i64, length: i64) -> Result<LogText, Error> {
        let path = self.path.ok_or(ErrorKind::NoFile)?;
        api.logs.sync(self.id).await;
        let shown = path.to_string_lossy().into_owned();
        let window = blocking(move || read_window(&path, offset, length)).await?;
        window.map(LogText).map_err(|why| match why {
            ReadError::NoFile => Error::new(ErrorKind::NoFile, shown),
            ReadError::BadArguments => ErrorKind::BadArguments.into(),
            ReadError::Failed(_) => ErrorKind::Failed.into(),
        })
    }

    /// A log that is not there is an empty one.
    async fn tail(self, api: &Api, offset: i64, length: i64) -> Result<LogTail, Error> {
        let Some(path) = self.path else {
            return Ok(LogTail::default());
        };
        api.logs.sync(self.id).await;
        let Tail { data, offset, overflow } =
            blocking(move || tail_window(&path, offset, length)).await?;
        Ok(LogTail { data, offset, overflow })
    }
}

/// Opens a regular file to be read.
///
/// # Errors
/// `NoFile` if there is none of that path; `Failed`.
pub async fn open_file(path: PathBuf) -> Result<File, Error> {
    let shown = path.display().to_string();
    let opened = blocking(move || {
        // Without waiting for a writer, should it be a named pipe; never a terminal of ours.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        Ok::<_, std::io::Error>(file.metadata()?.is_file().then_some(file))
    });
    match opened.await? {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(Error::new(ErrorKind::NoFile, shown)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::new(ErrorKind::NoFile, shown))
        }
        Err(why) => Err(Error::new(ErrorKind::Failed, format!("cannot open {shown}: {why}"))),
    }
}

async fn clear_both(api: &Api, process: &ProcessId) -> Result<(), ErrorKind> {
    for stream in [Stream::Stdout, Stream::Stderr] {
        let log = LogId::Process(process.clone(), stream);
        api.logs.clear(log).await.map_err(|_| ErrorKind::Failed)?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::new(ErrorKind::Failed, panic.to_string()))
}

impl From<LogText> for Value {
    fn from(LogText(bytes): LogText) -> Self {
        Self::text(&bytes)
    }
}

impl From<LogTail> for Value {
    fn from(LogTail { data, offset, overflow }: LogTail) -> Self {
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        Self::Array(vec![Self::text(&data), offset.into(), overflow.into()])
    }
}
