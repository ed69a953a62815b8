//! `/api/{operation}`: every operation of XML-RPC, its parameters and its answer in JSON.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::Answered;
use crate::api::{Access, Api, Param, Spec, Type, operations};
use crate::http::body::json;
use crate::http::path::Fields;
use crate::http::routes::Verb;
use crate::model::{Error, ErrorKind};
use crate::xmlrpc::Value;

/// What stands before the name of each in XML-RPC.
const NAMESPACE: &str = "supervisor.";

/// The operations that are offered here, each with its name.
pub fn offered() -> impl Iterator<Item = (&'static str, &'static Spec)> {
    operations::OPERATIONS
        .iter()
        .filter_map(|entry| Some((entry.spec.name.strip_prefix(NAMESPACE)?, entry.spec)))
}

/// Whether it only looks, so that it may be asked for by GET.
#[must_use]
pub fn only_looks(spec: &Spec) -> bool {
    matches!(spec.access, Access::Look | Access::ReadLogs)
}

/// The methods that an operation takes.
#[must_use]
pub fn verbs(spec: &Spec) -> &'static [Verb] {
    if only_looks(spec) { &[Verb::Get, Verb::Post] } else { &[Verb::Post] }
}

/// The operation of this name.
///
/// # Errors
/// `UnknownMethod`
pub fn named(name: &str) -> Result<&'static Spec, Error> {
    let found = operations::find(&format!("{NAMESPACE}{name}"));
    found.map(|entry| entry.spec).ok_or_else(|| Error::new(ErrorKind::UnknownMethod, name))
}

/// Runs an operation.
pub async fn run(
    api: &Api,
    method: &Method,
    spec: &'static Spec,
    query: &Fields,
    body: &Bytes,
) -> Answered {
    let looks = *method != Method::POST;
    let given = if looks { from_query(spec, query)? } else { from_body(body)? };
    let answer = api.dispatch(spec.name, values(spec, given)?).await?;
    Ok(json(StatusCode::OK, &answer.to_json()))
}

/// The fields of a query, as the parameters' types have them.
fn from_query(spec: &Spec, query: &Fields) -> Result<Map<String, Json>, Error> {
    let mut given = Map::new();
    for (name, text) in query.iter() {
        let kind = spec.params.iter().find(|param| param.name == name).map(|param| param.kind);
        let read = match kind {
            Some(Type::Int) => text.parse::<i64>().ok().map(Json::from),
            Some(Type::Boolean) => text.parse::<bool>().ok().map(Json::from),
            _ => Some(Json::from(text)),
        };
        let value = read.ok_or_else(|| wrong(name, kind.unwrap_or(Type::String)))?;
        given.insert(name.to_owned(), value);
    }
    Ok(given)
}

fn from_body(body: &Bytes) -> Result<Map<String, Json>, Error> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Json::Object(given)) => Ok(given),
        Ok(_) => Err(incorrect("expected a JSON object of the parameters by name".to_owned())),
        Err(why) => Err(incorrect(format!("cannot read the body as JSON: {why}"))),
    }
}

/// The values in the order of the parameters. What is not given stands for its default, which
/// only the last ones have.
fn values(spec: &Spec, mut given: Map<String, Json>) -> Result<Vec<Value>, Error> {
    let mut values = Vec::with_capacity(spec.params.len());
    for Param { name, kind, default } in spec.params {
        match (given.remove(*name), default) {
            (Some(value), _) => values.push(value_of(name, *kind, value)?),
            (None, None) => return Err(incorrect(format!("{name} is missing"))),
            (None, Some(_)) => break,
        }
    }
    match given.keys().next() {
        None => Ok(values),
        Some(unknown) => {
            let names: Vec<_> = spec.params.iter().map(|param| param.name).collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(incorrect(format!("there is no parameter {unknown:?}; there are: {there}")))
        }
    }
}

/// Unlike in XML-RPC, whose clients are what they are, a value must be of its type.
fn value_of(name: &str, kind: Type, value: Json) -> Result<Value, Error> {
    match (kind, value) {
        (Type::String, Json::String(text)) => Ok(Value::String(text)),
        (Type::Boolean, Json::Bool(truth)) => Ok(Value::Bool(truth)),
        (Type::Int, Json::Number(number)) => {
            whole(&number).map(Value::Int).ok_or_else(|| wrong(name, kind))
        }
        _ => Err(wrong(name, kind)),
    }
}

/// To JSON, `5.0` is a whole number too.
fn whole(number: &serde_json::Number) -> Option<i64> {
    /// Beyond it a double does not have every whole number (2^53).
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let double = number.as_f64()?;
        #[allow(clippy::cast_possible_truncation)]
        (double.fract() == 0.0 && double.abs() <= EXACT_MAX).then_some(double as i64)
    })
}

fn wrong(name: &str, kind: Type) -> Error {
    incorrect(format!("{name} is no {}", kind.name()))
}

fn incorrect(why: String) -> Error {
    Error::new(ErrorKind::IncorrectParameters, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, body: &str) -> Result<Vec<Value>, String> {
        let entry = operations::find(&format!("{NAMESPACE}{name}")).unwrap();
        let given = from_body(&Bytes::copy_from_slice(body.as_bytes()));
        given.and_then(|given| values(entry.spec, given)).map_err(|why| why.detail)
    }

    #[test]
    fn parameters_are_read_by_name_and_type() {
        let check = |name: &str, body: &str, wanted: Result<Vec<Value>, &str>| {
            assert_eq!(read(name, body), wanted.map_err(str::to_owned), "{name} {body}");
        };
        check("startProcess", r#"{"name": "a"}"#, Ok(vec!["a".into()]));
        check(
            "startProcess",
            r#"{"wait": false, "name": "a"}"#,
            Ok(vec!["a".into(), false.into()]),
        );
        check("startProcess", "", Err("name is missing"));
        check("startProcess", r#"{"name": 5}"#, Err("name is no string"));
        check("startProcess", r#"{"name": "a", "wait": "no"}"#, Err("wait is no boolean"));
        check("readLog", r#"{"offset": -1, "length": 1.5}"#, Err("length is no int"));
        check("readLog", r#"{"offset": -1.0, "length": 0}"#, Ok(vec![(-1).into(), 0.into()]));
        check("getState", "[]", Err("expected a JSON object of the parameters by name"));
        check("getState", r#"{"x": 1}"#, Err("there is no parameter \"x\"; there are: none"));
        assert!(read("getState", "{").unwrap_err().starts_with("cannot read the body as JSON"));
    }

    #[test]
    fn every_operation_of_the_supervisor_is_offered() {
        let offered: Vec<_> = offered().map(|(name, _)| name).collect();
        assert!(offered.contains(&"getState") && offered.contains(&"shutdown"));
        assert!(offered.iter().all(|name| !name.contains('.')));
    }

    #[test]
    fn a_query_is_read_as_the_parameters_are() {
        let spec = operations::find("supervisor.readLog").unwrap().spec;
        let given = from_query(spec, &Fields::read("offset=-5&length=0")).unwrap();
        assert_eq!(values(spec, given), Ok(vec![(-5).into(), 0.into()]));
        assert!(from_query(spec, &Fields::read("offset=x")).is_err());
    }
}
