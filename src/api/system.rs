//! `system.*`: what there is to call, and many calls in one.

use super::Api;
use super::error;
use super::operations::{self, ListMethods, MethodHelp, MethodSignature, Multicall};
use super::process::structure;
use crate::model::{Error, ErrorKind};
use crate::xmlrpc::Value;

/// Calls in one `system.multicall`; more of them are refused.
pub const CALLS_MAX: usize = 1_000;
/// About how many bytes the answers of one multicall may take together. Past it the calls that
/// are left are not made: each is answered by a fault.
pub const RESULTS_BYTES_MAX: usize = 32 << 20;

/// `system.listMethods`
pub async fn list_methods(_: &Api, _: ListMethods) -> Result<Vec<&'static str>, Error> {
    let mut names: Vec<_> = operations::names().map(|(name, _)| name).collect();
    names.sort_unstable();
    Ok(names)
}

/// `system.methodHelp`
pub async fn method_help(_: &Api, request: MethodHelp) -> Result<String, Error> {
    let entry = operations::find(&request.name.0).ok_or(ErrorKind::SignatureUnsupported)?;
    Ok(entry.spec.to_string())
}

/// `system.methodSignature`
pub async fn method_signature(
    _: &Api,
    request: MethodSignature,
) -> Result<Vec<&'static str>, Error> {
    let spec = operations::find(&request.name.0).ok_or(ErrorKind::SignatureUnsupported)?.spec;
    let params = spec.params.iter().map(|param| param.kind.name());
    Ok(std::iter::once(spec.returns.name()).chain(params).collect())
}

/// `system.multicall`. As in the reference, a result stands bare, not in an array of one.
pub async fn multicall(api: &Api, request: Multicall) -> Result<Vec<Value>, Error> {
    if request.calls.len() > CALLS_MAX {
        let why = format!("more than {CALLS_MAX} calls in one system.multicall");
        return Err(Error::new(ErrorKind::IncorrectParameters, why));
    }
    let mut results = Vec::with_capacity(request.calls.len());
    let mut bytes = 0;
    for call in request.calls {
        let result = if bytes > RESULTS_BYTES_MAX {
            Err(Error::new(ErrorKind::Failed, "the answers before this one are too long"))
        } else {
            one_call(api, call).await
        };
        let value = result.unwrap_or_else(|why| fault(&why));
        bytes += size(&value);
        results.push(value);
    }
    Ok(results)
}

async fn one_call(api: &Api, call: Value) -> Result<Value, Error> {
    let refuse = |why: &str| Error::new(ErrorKind::IncorrectParameters, why);
    let Value::Struct(members) = call else {
        return Err(refuse("a call is a struct"));
    };
    let (mut method, mut params) = (None, Vec::new());
    for (name, value) in members {
        match (name.as_str(), value) {
            ("methodName", Value::String(text)) => method = Some(text),
            ("params", Value::Array(items)) => params = items,
            ("params", _) => return Err(ErrorKind::IncorrectParameters.into()),
            _ => {}
        }
    }
    match method.as_deref() {
        None => Err(refuse("No methodName")),
        Some("system.multicall") => Err(refuse("Recursive system.multicall forbidden")),
        Some(method) => api.dispatch(method, params).await,
    }
}

fn fault(why: &Error) -> Value {
    structure([
        ("faultCode", error::row(why.kind).fault.into()),
        ("faultString", error::text(why).into()),
    ])
}

/// About how much memory a value takes, in bytes.
#[must_use]
pub fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Double(_) => 0,
            Value::String(text) | Value::DateTime(text) => text.len(),
            Value::Base64(bytes) => bytes.len(),
            Value::Array(items) => items.iter().map(size).sum(),
            Value::Struct(members) => members.iter().map(|(name, v)| name.len() + size(v)).sum(),
        }
}

impl From<Vec<&'static str>> for Value {
    fn from(texts: Vec<&'static str>) -> Self {
        Self::Array(texts.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}
