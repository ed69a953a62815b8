//! Stand-in.
#![allow(missing_docs)]
use std::path::Path;
#[derive(Debug, PartialEq)]
pub enum ReadError {
    BadArguments,
    NoFile,
    Failed,
}
pub struct Tail {
    pub data: Vec<u8>,
    pub offset: u64,
    pub overflow: bool,
}
pub fn read_window(path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, ReadError> {
    if !path.exists() {
        return Err(ReadError::NoFile);
    }
    if length < 0 || (offset < 0 && length != 0) {
        return Err(ReadError::BadArguments);
    }
    let all = std::fs::read(path).map_err(|_| ReadError::Failed)?;
    let n = all.len() as i64;
    let start = if offset < 0 {
        (n + offset).max(0)
    } else {
        offset.min(n)
    };
    let end = if length == 0 {
        n
    } else {
        (start + length).min(n)
    };
    Ok(all[start as usize..end as usize].to_vec())
}
pub fn tail_window(path: &Path, _: i64, length: i64) -> Tail {
    let all = std::fs::read(path).unwrap_or_default();
    let n = all.len();
    let l = (length.max(0) as usize).min(n);
    Tail {
        data: all[n - l..].to_vec(),
        offset: n as u64,
        overflow: n > l,
    }
}
