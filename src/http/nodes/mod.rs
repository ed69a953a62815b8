//! This node and the other daemons: what is asked of them, all at once and each with a limit to
//! its time.
//!
//! Invariant: a request that came from another daemon is never passed on ([`VIA`]), so that two
//! that name each other cannot play ball with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::body::Body;
use super::refusal::Refusal;
use crate::config;

mod remote;
pub mod watch;

pub use remote::Remote;

/// Marks a request that another daemon passes on.
pub const VIA: HeaderName = HeaderName::from_static("x-supervisord-via");
/// How long a daemon may take to do something to a process, which may have to stop first.
const CHANGE_TIME_MAX: Duration = Duration::from_secs(600);

/// This node and the others.
pub struct Nodes {
    /// What this node is called.
    pub name: String,
    /// The others.
    pub remotes: Vec<Arc<Remote>>,
}

/// Where a call belongs.
pub enum Whose {
    /// This node's.
    Own,
    /// Another's.
    Remote(Arc<Remote>),
}

impl Nodes {
    /// The nodes that a configuration names.
    #[must_use]
    pub fn new(settings: &config::Nodes, host: &str) -> Self {
        let name = if settings.name.is_empty() { host } else { &settings.name };
        // A daemon may find itself among its remotes where all have one list.
        let others = settings.remotes.iter().filter(|remote| remote.name != name);
        let remotes = others.map(|remote| Arc::new(Remote::new(remote.clone(), name))).collect();
        Self { name: name.to_owned(), remotes }
    }

    /// Where a call for a node of this name belongs.
    ///
    /// # Errors
    /// There is no such node, or the call was passed on once already.
    pub fn whose(&self, node: Option<&str>, headers: &HeaderMap) -> Result<Whose, Refusal> {
        let Some(node) = node.filter(|node| *node != self.name) else {
            return Ok(Whose::Own);
        };
        let remote = self.remotes.iter().find(|remote| remote.name() == node).ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, format!("there is no node {node:?}"))
        })?;
        if is_passed_on(headers) {
            let why = format!("the call for {node} was passed on once: it would go in circles");
            return Err(Refusal::new(StatusCode::LOOP_DETECTED, why));
        }
        Ok(Whose::Remote(Arc::clone(remote)))
    }

    /// Asks every remote at once, and gives what each answered, in their order.
    pub async fn ask_all<T, F>(&self, ask: impl Fn(Arc<Remote>) -> F) -> Vec<(Arc<Remote>, T)>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mut asking = JoinSet::new();
        for (place, remote) in self.remotes.iter().enumerate() {
            let asked = ask(Arc::clone(remote));
            asking.spawn(async move { (place, asked.await) });
        }
        let mut answers = asking.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        let remotes = answers.into_iter();
        remotes
            .filter_map(|(place, answer)| Some((self.remotes.get(place)?.clone(), answer)))
            .collect()
    }
}

/// Whether another daemon passed this on.
#[must_use]
pub fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(VIA)
}

/// Why another daemon gave no answer, as whoever asked is told.
#[must_use]
pub fn unreachable(remote: &Remote, why: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, format!("node {} is offline: {why}", remote.name()))
}

/// Passes a call on and gives back what comes, as it comes.
///
/// # Errors
/// The node does not answer.
pub async fn pass_on(
    remote: &Remote,
    method: &Method,
    path: &str,
    range: Option<&str>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    if !request.body().is_empty() {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
    }
    if let Some(range) = range.and_then(|range| HeaderValue::from_str(range).ok()) {
        request.headers_mut().insert(hyper::header::RANGE, range);
    }
    let looks = *method == Method::GET || *method == Method::HEAD;
    let time = if looks { remote.timeout() } else { CHANGE_TIME_MAX };
    let answer = remote.ask(path, request, time).await.map_err(|why| unreachable(remote, &why))?;
    Ok(handed_on(remote, answer))
}

/// An answer of another daemon as ours. Of its headers only those that say what the body is: what
/// a remote may set in a browser is ours to decide.
fn handed_on(remote: &Remote, answer: Response<Incoming>) -> Response<Body> {
    use hyper::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, RETRY_AFTER};
    let (head, body) = answer.into_parts();
    if head.status == StatusCode::UNAUTHORIZED || head.status == StatusCode::FORBIDDEN {
        // Our credentials are wrong, not the caller's: they must not be asked for others.
        let why = format!("it answers {}: see [remote:{}]", head.status, remote.name());
        return unreachable(remote, &why).answer();
    }
    let length = hyper::body::Body::size_hint(&body).exact();
    let pieces = Body::pieces(body, |mut body: Incoming| async move {
        use http_body_util::BodyExt as _;
        loop {
            let Some(frame) = body.frame().await else { return Ok(None) };
            let frame = frame.map_err(std::io::Error::other)?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some((data, body)));
            }
        }
    });
    let body = match length {
        Some(0) => Body::from(Bytes::new()),
        Some(length) => pieces.of_length(length),
        None => pieces,
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    let headers = response.headers_mut();
    // Text and JSON are what the routes give; anything else would be some other server's idea.
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|media_type| media_type.to_str().ok());
    let is_json = media_type.is_some_and(|media_type| media_type.starts_with("application/json"));
    let media_type = if is_json { "application/json" } else { "text/plain;charset=utf-8" };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    for name in [ACCEPT_RANGES, CONTENT_RANGE, CONTENT_DISPOSITION, RETRY_AFTER] {
        if let Some(value) = head.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    response
}

/// What another daemon answers, as JSON.
///
/// # Errors
/// In words: it does not answer, not in time, not with 200, or not with JSON.
pub async fn json_of(remote: Arc<Remote>, path: String) -> Result<Json, String> {
    remote.json(&path).await
}
