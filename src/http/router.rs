//! From a request to an answer: the gate, the table of routes, a handler.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::task::JoinSet;

use super::auth::Gate;
use super::auth::browser::Media;
use super::body::{Body, answer};
use super::events::Hub;
use super::health;
use super::limits::Limits;
use super::meters::{Meters, Open};
use super::metrics::Metrics;
use super::nodes::{self, Nodes, Whose};
use super::openapi;
use super::path::{Fields, encode};
use super::peer::Peer;
use super::refusal::Refusal;
use super::request::{Bodies, Call};
use super::rest::{Answered, Rest, conf, log, old, operation};
use super::routes::{At, Route, Takes, allow, allows};
use super::rpc::Rpc;
use super::serve::Handle;
use super::web;
use crate::api::{Api, Caller};

/// When to come again where too many streams are open, in seconds.
const STREAMS_RETRY_SECONDS: &str = "10";

/// What all listeners share.
pub struct Site {
    api: Arc<Api>,
    meters: Arc<Meters>,
    streams_max: u64,
    hub: Arc<Hub>,
    metrics: Metrics,
    rpc: Rpc,
    rest: Rest,
    bodies: Bodies,
}

/// One listener's way to it.
pub struct Router {
    site: Arc<Site>,
    gate: Gate,
}

impl Site {
    /// Everything that is served.
    #[must_use]
    pub fn new(api: Arc<Api>, nodes: Arc<Nodes>, limits: Limits) -> Self {
        let meters: Arc<Meters> = Arc::default();
        let hub = Hub::new(Api::clone(&api), nodes.name.as_str().into());
        Self {
            api,
            metrics: Metrics::new(Arc::clone(&meters)),
            meters,
            hub,
            streams_max: limits.streams as u64,
            rpc: Rpc::default(),
            rest: Rest::new(nodes),
            bodies: Bodies::default(),
        }
    }
}

impl Site {
    /// Tells whoever reads of events about other nodes; until what this gives is dropped.
    #[must_use]
    pub fn watch_nodes(&self) -> JoinSet<()> {
        nodes::watch::watch(&self.rest.nodes, &self.hub)
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
        let mut response = match self.gate.preflight(request.method(), request.headers()) {
            Some(answer) => answer,
            None => self.answer(request, peer).await.unwrap_or_else(Refusal::answer),
        };
        self.site.meters.answered(response.status());
        dress.put_on(&mut response);
        response
    }

    fn connected(&self) -> Option<Open> {
        Some(self.site.meters.connection())
    }
}

impl Router {
    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Answered {
        let caller = self.gate.admit(peer, request.method(), request.headers()).await?;
        let whole = request.uri().path();
        let at = match whole.strip_prefix(self.gate.base_path()) {
            // A proxy may have taken it off already.
            Some(path) if path.starts_with('/') => whole.len() - path.len(),
            // What the page names is beside it: its own address must end with a slash.
            Some("") if !whole.is_empty() => return Ok(old::lead_to(&format!("{whole}/"))),
            _ => 0,
        };
        self.site.answer(request, at, caller).await
    }
}

impl Site {
    /// Answers a request whose path begins with this byte of its address.
    async fn answer(&self, request: Request<Incoming>, at: usize, caller: Caller) -> Answered {
        let api = self.api.for_role(caller.role);
        let path = request.uri().path().get(at..).unwrap_or_default();
        // What most requests are for.
        if path == "/RPC2" && *request.method() == Method::POST {
            return self.rpc(&api, request).await;
        }
        let route = Route::of(path).ok_or_else(|| Refusal::of(StatusCode::NOT_FOUND))?;
        let spec = route.spec;
        let verbs = match spec.at {
            At::Operation => {
                let name = route.captures.get("operation").unwrap_or_default();
                operation::verbs(operation::named(name)?)
            }
            _ => spec.verbs,
        };
        if !allows(verbs, request.method()) {
            return not_so(request.method(), &allow(verbs));
        }
        if spec.at == At::Rpc {
            return self.rpc(&api, request).await;
        }
        api.allow(spec.access)?;
        let query = Fields::read(request.uri().query().unwrap_or_default());
        let (head, body) = request.into_parts();
        let looks = head.method == Method::GET || head.method == Method::HEAD;
        let body = match spec.takes {
            _ if looks => Bytes::new(),
            Takes::Nothing => Bytes::new(),
            Takes::Parameters | Takes::Programs => {
                Media::Json.admit(&head.headers)?;
                self.bodies.read(body).await?
            }
            Takes::Xml | Takes::Form => self.bodies.read(body).await?,
        };
        let call = Call { spec, captures: route.captures, query, head, caller, api };
        let mut response = self.dispatch(&call, &body).await?;
        if log::is_endless(&response) {
            let stream = self.meters.stream();
            if self.meters.streams() > self.streams_max {
                let why = format!("{} streams are open: no more at a time", self.streams_max);
                let soon = HeaderValue::from_static(STREAMS_RETRY_SECONDS);
                return Err(
                    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why).with(RETRY_AFTER, soon)
                );
            }
            response.body_mut().count(stream);
        }
        Ok(response)
    }

    async fn dispatch(&self, call: &Call, body: &Bytes) -> Answered {
        let rest = &self.rest;
        match call.spec.at {
            // It was answered before.
            At::Rpc => Err(StatusCode::BAD_REQUEST.into()),
            At::Operation => {
                let spec = operation::named(call.capture("operation"))?;
                operation::run(&call.api, &call.head.method, spec, &call.query, body).await
            }
            At::ProgramList => rest.list(call).await,
            At::ProgramInfo => rest.info(call).await,
            At::ProgramDetail => rest.detail(call).await,
            At::Program(act) => rest.act(call, act).await,
            At::Programs(act) => rest.act_on_all(call, act, body).await,
            At::ProgramSignal => rest.signal(call).await,
            At::ProgramLog | At::MainLog => self.log(call).await,
            At::LogTail | At::MainLogTail => {
                log::follow(&call.api, Rest::log(call)?, &call.query).await
            }
            At::NodeList => rest.list_nodes(call).await,
            At::Ping => rest.ping(call).await,
            At::Daemon(act) => rest.daemon(call, act).await,
            At::ConfFile => conf::conf(call).await,
            At::OpenApi => {
                Ok(answer(StatusCode::OK, "application/json", openapi::document().into()))
            }
            At::OldPage => old::page(call, body).await,
            At::OldTail => old::tail(call),
            At::Events => self.events(call).await,
            At::Page => Ok(web::page(call.header("if-none-match"), call.accepts_gzip())),
            At::Asset => {
                let path = format!("/web/{}/{}", call.capture("hash"), call.capture("file"));
                let asset = web::asset(&path, call.accepts_gzip());
                asset.ok_or_else(|| Refusal::of(StatusCode::NOT_FOUND))
            }
            At::Metrics => Ok(self.metrics.respond(&call.api, call.header("accept")).await),
            At::Health => Ok(health::healthz(&call.api).await),
            At::Ready => Ok(health::readyz(&call.api).await),
        }
    }

    async fn events(&self, call: &Call) -> Answered {
        let query = call.head.uri.query().unwrap_or_default();
        Ok(self.hub.respond(query, call.header("last-event-id"), &call.caller).await?)
    }

    async fn rpc(&self, api: &Api, request: Request<Incoming>) -> Answered {
        Media::Xml.admit(request.headers())?;
        let (head, body) = request.into_parts();
        let body = self.bodies.required(&head.headers, body).await?;
        let encoded = self.rpc.answer(api, &body).await;
        let encoded = encoded
            .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "the body is no XML-RPC call"))?;
        Ok(answer(StatusCode::OK, "text/xml", encoded.into()))
    }

    /// A log, of this node or of another.
    async fn log(&self, call: &Call) -> Answered {
        let whose = self.rest.nodes.whose(call.captures.get("node"), &call.head.headers)?;
        let Whose::Remote(remote) = whose else {
            return self.rest.read_log(call, Rest::log(call)?).await;
        };
        let mut path = match call.captures.get("name") {
            Some(name) => {
                format!("/program/log/{}/{}", encode(name), encode(call.capture("channel")))
            }
            None => "/supervisor/log".to_owned(),
        };
        if let Some(query) = call.head.uri.query() {
            path.push('?');
            path.push_str(query);
        }
        let range = call.header("range");
        nodes::pass_on(&remote, &call.head.method, &path, range, Bytes::new()).await
    }
}

/// A method that a route does not take, or the question which it does.
fn not_so(method: &Method, allowed: &str) -> Answered {
    let allow = HeaderValue::from_str(allowed).unwrap_or(HeaderValue::from_static("GET"));
    if *method == Method::OPTIONS {
        let mut response = Response::new(Body::from(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(ALLOW, allow);
        return Ok(response);
    }
    let why = format!("{method} is not for this path; it takes {allowed}");
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why).with(ALLOW, allow))
}
