//! The links of Supervisor's own page: `/index.html?action=...` and `/tail.html`.
//!
//! There a link changed the state of a program. Here only a POST does, and every one of them ends
//! on the page.

use bytes::Bytes;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Method, Response, StatusCode};

use super::Answered;
use crate::api::Api;
use crate::api::operations as op;
use crate::http::body::Body;
use crate::http::path::{Fields, encode};
use crate::http::request::Call;
use crate::model::{Error, ErrorKind};

/// Does what a form says, and leads to the page.
pub async fn page(call: &Call, body: &Bytes) -> Answered {
    if call.head.method == Method::POST {
        let form = Fields::read(&String::from_utf8_lossy(body));
        let field = |name| form.text(name).or_else(|| call.query.text(name));
        let action = field("action").unwrap_or("refresh");
        act(&call.api, action, field("processname").unwrap_or_default()).await?;
    }
    Ok(lead_to("./"))
}

/// Leads to the log that was asked for.
pub fn tail(call: &Call) -> Answered {
    let place = match call.query.text("processname") {
        None | Some("") => "./#log/main".to_owned(),
        Some(name) => format!("./#log/{}/stdout", encode(name)),
    };
    Ok(lead_to(&place))
}

/// The actions of that page. What cannot be done because it is so already is no failure there.
async fn act(api: &Api, action: &str, name: &str) -> Result<(), Error> {
    let (name, wait) = (name.to_owned(), false);
    let done = match action {
        "refresh" => return Ok(()),
        "start" => api.call(op::StartProcess { name, wait }).await.map(drop),
        "stop" => api.call(op::StopProcess { name, wait }).await.map(drop),
        "restart" => api.call(op::RestartProcess { name, wait }).await.map(drop),
        "clearlog" => api.call(op::ClearProcessLogs { name }).await.map(drop),
        "stopall" => api.call(op::StopAllProcesses { wait }).await.map(drop),
        "restartall" => {
            // Each that is to run again, by itself: none waits for the slowest.
            let fleet = api.snapshot();
            for process in fleet.processes.values() {
                let name = process.id.to_string();
                api.call(op::RestartProcess { name, wait }).await?;
            }
            Ok(())
        }
        _ => {
            let expected = "refresh, start, stop, restart, clearlog, stopall or restartall";
            let why = format!("action={action:?}: expected {expected}");
            return Err(Error::new(ErrorKind::BadArguments, why));
        }
    };
    match done {
        Err(why) if matches!(why.kind, ErrorKind::AlreadyStarted | ErrorKind::NotRunning) => Ok(()),
        done => done,
    }
}

/// The next request is a GET, whatever this one was. Relative, so that it holds behind a proxy.
#[must_use]
pub fn lead_to(place: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    let place = HeaderValue::from_str(place).unwrap_or(HeaderValue::from_static("./"));
    response.headers_mut().insert(LOCATION, place);
    response
}
