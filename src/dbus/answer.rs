//! What operations answer, as it stands in a message.

use serde::{Serialize, Serializer};
use zbus::{Signature, Type};

use super::failure::Failure;
use crate::api::{ProcessStatus, Reply, error};
use crate::model::{ErrorKind, GroupName};

/// What became of each process of a bulk operation: name, group, status, description.
pub type Statuses = Vec<(String, String, u32, String)>;

/// Groups that were added, changed, removed.
pub type Changes = (Vec<String>, Vec<String>, Vec<String>);

/// Bytes: `ay`, written in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Type for Bytes {
    const SIGNATURE: &'static Signature = <Vec<u8> as Type>::SIGNATURE;
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// That it worked.
pub fn done<T>(outcome: Result<T, Failure>) -> Result<(bool,), Failure> {
    outcome.map(|_| (true,))
}

/// Nothing, where it worked.
pub fn nothing<T>(outcome: Result<T, Failure>) -> Result<(), Failure> {
    outcome.map(drop)
}

/// One status for each process.
pub fn statuses<T: Into<Several>>(outcome: Result<T, Failure>) -> Result<(Statuses,), Failure> {
    let Several(statuses) = outcome?.into();
    Ok((statuses.into_iter().map(status).collect(),))
}

/// Three lists of names.
pub fn changes(outcome: Result<Reply, Failure>) -> Result<Changes, Failure> {
    let Reply::Changes(changes) = outcome? else {
        return Ok(Changes::default());
    };
    let names = |groups: Vec<GroupName>| groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    Ok((names(changes.added), names(changes.changed), names(changes.removed)))
}

/// Several statuses, whoever collected them.
pub struct Several(Vec<ProcessStatus>);

impl From<Vec<ProcessStatus>> for Several {
    fn from(statuses: Vec<ProcessStatus>) -> Self {
        Self(statuses)
    }
}

impl From<Reply> for Several {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Statuses(statuses) => Self(statuses),
            Reply::Done | Reply::Changes(_) => Self(Vec::new()),
        }
    }
}

fn status(ProcessStatus { id, result }: ProcessStatus) -> (String, String, u32, String) {
    let (kind, description) = match result {
        Ok(()) => (ErrorKind::Success, "OK".to_owned()),
        Err(why) => (why.kind, error::text(&why)),
    };
    let number = error::row(kind).fault.unsigned_abs();
    (id.name.to_string(), id.group.to_string(), number, description)
}
