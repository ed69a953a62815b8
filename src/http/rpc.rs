//! XML-RPC over HTTP: bytes to a call, a call's answer to bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::memory;
use crate::api::{Api, Moment, error, operations, system};
use crate::config::setting::LogLevel;
use crate::model::Error;
use crate::xmlrpc::{Fault, Value, decode_call, encode_fault, encode_response};

/// Bytes of a bad request that its line in the activity log shows.
const SHOWN_BYTES_MAX: usize = 200;
/// An answer larger than this many bytes, about, is made into XML on a thread of its own.
const LARGE_ANSWER_BYTES: usize = 4 << 20;

/// An answer larger than this is given up when nobody can be served by it any more.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// Every answer is too old after a second.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// Answers calls. One for all listeners.
#[derive(Default)]
pub struct Rpc {
    /// Answers that hold until the fleet, the configuration or the second changes, at most one
    /// for each operation that takes nothing and only looks.
    kept: Arc<Mutex<Kept>>,
}

type Kept = HashMap<&'static str, (Moment, Bytes)>;

impl Rpc {
    /// The answer to a request's body; `None` if it is no call.
    pub async fn answer(&self, api: &Api, body: &[u8]) -> Option<Bytes> {
        let call = decode_call(body).inspect_err(|why| complain(api, body, why)).ok()?;
        let method = call.method;
        api.trace(|| format!("XML-RPC method called: {method}()"));
        let keepable = operations::find(&method)
            .map(|entry| entry.spec)
            .filter(|spec| spec.is_keepable() && call.params.is_empty());
        let Some(spec) = keepable else {
            return Some(encode(api, &method, api.dispatch(&method, call.params).await).await);
        };
        let (now, begun) = (api.moment(), Instant::now());
        if let Some((moment, bytes)) = lock(&self.kept).get(spec.name)
            && *moment == now
        {
            trace_success(api, &method);
            api.meters().count(spec, begun, true);
            return Some(bytes.clone());
        }
        let bytes = encode(api, &method, api.dispatch(&method, Vec::new()).await).await;
        lock(&self.kept).insert(spec.name, (now, bytes.clone()));
        if bytes.len() > KEPT_BYTES_MAX {
            let kept = Arc::clone(&self.kept);
            tokio::spawn(async move {
                tokio::time::sleep(KEPT_FOR).await;
                lock(&kept).retain(|_, (moment, _)| *moment != now);
                memory::give_back();
            });
        }
        Some(bytes)
    }
}

async fn encode(api: &Api, method: &str, result: Result<Value, Error>) -> Bytes {
    match result {
        Ok(value) => {
            trace_success(api, method);
            if system::size(&value) > LARGE_ANSWER_BYTES {
                let encoded = tokio::task::spawn_blocking(move || encode_response(&value));
                return encoded.await.unwrap_or_default().into();
            }
            encode_response(&value).into()
        }
        Err(why) => {
            let fault = Fault { code: error::row(why.kind).fault, string: error::text(&why) };
            let Fault { code, string } = &fault;
            api.trace(|| format!("XML-RPC method {method}() returned fault: [{code}] {string}"));
            encode_fault(&fault).into()
        }
    }
}

fn trace_success(api: &Api, method: &str) {
    api.trace(|| format!("XML-RPC method {method}() returned successfully"));
}

fn complain(api: &Api, body: &[u8], why: &dyn std::error::Error) {
    let shown = String::from_utf8_lossy(body.get(..SHOWN_BYTES_MAX).unwrap_or(body));
    let line = format!("XML-RPC request data {shown:?} is invalid: {why}");
    api.log_line(LogLevel::Error, &line);
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
