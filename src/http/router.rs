//! From a request to an answer.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::auth::Gate;
use super::auth::browser::Media;
use super::body::{Body, answer, status_only};
use super::limits::{BODY_BYTES_MAX, BODY_TIME_MAX, LARGE_BODIES_MAX, SMALL_BODY_BYTES_MAX};
use super::path::Route;
use super::peer::Peer;
use super::rpc::Rpc;
use super::serve::Handle;
use crate::api::{Api, log, process};
use crate::logs::{LogId, Stream};
use crate::model::{ProcessInfo, Role};

/// What all listeners share.
pub struct Site {
    api: Arc<Api>,
    /// One for each role, in the order of [`Role::ALL`].
    rpc: [Rpc; Role::ALL.len()],
    large_bodies: Semaphore,
}

/// One listener's way to it.
pub struct Router {
    site: Arc<Site>,
    gate: Gate,
}

impl Site {
    /// Everything that is served.
    #[must_use]
    pub fn new(api: Arc<Api>) -> Self {
        let large_bodies = Semaphore::new(LARGE_BODIES_MAX);
        let rpc = Role::ALL.map(|role| Rpc::new(Arc::new(api.for_role(role))));
        Self { rpc, api, large_bodies }
    }
}

impl Router {
    /// The site behind a gate.
    #[must_use]
    pub fn new(site: Arc<Site>, gate: Gate) -> Self {
        Self { site, gate }
    }
}

impl Handle for Router {
    /// Nothing is looked at before the gate has let the request in.
    async fn handle(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let dress = self.gate.dress(request.headers());
        let mut response = self.answer(request, peer).await;
        dress.put_on(&mut response);
        response
    }
}

impl Router {
    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let (method, headers) = (request.method(), request.headers());
        if let Some(response) = self.gate.preflight(method, headers) {
            return response;
        }
        let caller = match self.gate.admit(peer, method, headers).await {
            Ok(caller) => caller,
            Err(refused) => return refused.answer(),
        };
        let route = Route::of(request.uri().path());
        if route == Route::Rpc
            && method == Method::POST
            && let Err(refused) = Media::Xml.admit(headers)
        {
            return refused.answer();
        }
        let answered = match (route, request.method()) {
            (Route::Rpc, &Method::POST) => self.site.rpc(request, caller.role).await,
            (Route::LogTail { name, stream }, &Method::GET) => {
                self.site.log_tail(&name, stream).await
            }
            (Route::MainLogTail, &Method::GET) => self.site.main_log_tail().await,
            (Route::NoLog, &Method::GET) => Err(StatusCode::NOT_FOUND),
            (Route::Unknown, &Method::GET | &Method::HEAD) => Err(StatusCode::NOT_FOUND),
            _ => Err(StatusCode::BAD_REQUEST),
        };
        answered.unwrap_or_else(status_only)
    }
}

type Answered = Result<Response<Body>, StatusCode>;

impl Site {
    async fn rpc(&self, request: Request<Incoming>, role: Role) -> Answered {
        let body = self.read_body(request).await?;
        let rpc = &self.rpc[role as usize];
        let encoded = rpc.answer(&body).await.ok_or(StatusCode::BAD_REQUEST)?;
        Ok(answer(StatusCode::OK, "text/xml", encoded.into()))
    }

    async fn log_tail(&self, name: &str, stream: Stream) -> Answered {
        let process: Option<Arc<ProcessInfo>> = process::named(&self.api.snapshot(), name).ok();
        let process = process.ok_or(StatusCode::NOT_FOUND)?;
        let path = log::path_of(&process, stream).ok_or(StatusCode::NOT_FOUND)?;
        self.follow(LogId::Process(process.id.clone(), stream), path).await
    }

    async fn main_log_tail(&self) -> Answered {
        let path = self.api.logs().activity_path().ok_or(StatusCode::NOT_FOUND)?.to_owned();
        self.follow(LogId::Main, path).await
    }

    async fn follow(&self, which: LogId, path: std::path::PathBuf) -> Answered {
        self.api.logs().sync(which.clone()).await;
        let exists = tokio::task::spawn_blocking(move || path.exists()).await;
        if !exists.unwrap_or(false) {
            return Err(StatusCode::NOT_FOUND);
        }
        let follower = self.api.logs().follow(which).await.ok_or(StatusCode::NOT_FOUND)?;
        let body = Body::log(follower);
        let mut response = answer(StatusCode::OK, "text/plain;charset=utf-8", body);
        // Asks a proxy in between (nginx) to pass every byte on at once.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }

    /// The whole body of a request.
    async fn read_body(&self, request: Request<Incoming>) -> Result<Bytes, StatusCode> {
        let (head, body) = request.into_parts();
        let told = [CONTENT_LENGTH, TRANSFER_ENCODING];
        if !told.iter().any(|name| head.headers.contains_key(name)) {
            return Err(StatusCode::LENGTH_REQUIRED);
        }
        // A chunked body may turn out to be of any size.
        let bytes = body
            .size_hint()
            .exact()
            .map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if bytes > BODY_BYTES_MAX && bytes != usize::MAX {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let large = bytes > SMALL_BODY_BYTES_MAX;
        let _turn = if large { self.large_bodies.acquire().await.ok() } else { None };
        let whole = Limited::new(body, BODY_BYTES_MAX).collect();
        match timeout(BODY_TIME_MAX, whole).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(why)) if why.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
            Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
        }
    }
}
