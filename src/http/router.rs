//! From a request to an answer: the gate, the table of routes, a handler.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::auth::Gate;
use super::body::{Body, answer};
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
use crate::api::{Api, Caller};

/// What all listeners share.
pub struct Site {
    api: Arc<Api>,
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
    pub fn new(api: Arc<Api>, nodes: Arc<Nodes>) -> Self {
        let rest = Rest::new(nodes);
        Self { rpc: Rpc::default(), rest, api, bodies: Bodies::default() }
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
        self.site.answer(request, caller).await.unwrap_or_else(Refusal::answer)
    }
}

impl Site {
    async fn answer(&self, request: Request<Incoming>, caller: Caller) -> Answered {
        let api = self.api.for_role(caller.role);
        let path = request.uri().path();
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
        let body = match spec.takes {
            Takes::Nothing => Bytes::new(),
            _ if head.method == Method::GET || head.method == Method::HEAD => Bytes::new(),
            Takes::Xml | Takes::Parameters | Takes::Programs | Takes::Form => {
                self.bodies.read(body).await?
            }
        };
        let call = Call { spec, captures: route.captures, query, head, caller, api };
        self.dispatch(&call, &body).await
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
            At::Events | At::Metrics | At::Health | At::Ready | At::Page | At::Asset => {
                Err(StatusCode::NOT_FOUND.into())
            }
        }
    }

    async fn rpc(&self, api: &Api, request: Request<Incoming>) -> Answered {
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
