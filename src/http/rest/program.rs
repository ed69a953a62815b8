//! `/program/*`: processes, of this node and of others.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::{Answered, Rest, success};
use crate::api::report::Report;
use crate::api::{Api, operations, process, wall_clock};
use crate::http::body;
use crate::http::nodes::{self, Remote, Whose, is_passed_on};
use crate::http::path::encode;
use crate::http::refusal::Refusal;
use crate::http::request::Call;
use crate::http::routes::Act;
use crate::model::{Error, ErrorKind, ProcessInfo};

/// Processes that one request may start or stop; more are refused.
pub const PROGRAMS_MAX: usize = 10_000;
/// Of those, at a time. The others wait: each may take as long as its program does.
const AT_ONCE_MAX: usize = 256;

/// A process in a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    /// By its name alone, of this node.
    Name(String),
    /// Of a node.
    #[serde(rename_all = "lowercase")]
    Of(Of),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    node: Option<String>,
    program: String,
}

impl Act {
    /// What the route of one process is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    /// Does it, and waits until it is done.
    async fn on(self, api: &Api, name: &str) -> Result<(), Error> {
        let (name, wait) = (name.to_owned(), true);
        // A group's members each have their own outcome; a route of one process is for one.
        process::named(&api.snapshot(), &name)?;
        match self {
            Self::Start => api.call(operations::StartProcess { name, wait }).await,
            Self::Stop => api.call(operations::StopProcess { name, wait }).await,
            Self::Restart => api.call(operations::RestartProcess { name, wait }).await,
        }
        .map(drop)
    }
}

impl Rest {
    /// Every process; of every node, unless this node's own are asked for.
    pub async fn list(&self, call: &Call) -> Answered {
        let only_own = call.query.truth("local")? || is_passed_on(&call.head.headers);
        let asking = async {
            if only_own {
                return Vec::new();
            }
            self.nodes
                .ask_all(|remote| nodes::json_of(remote, "/program/list?local=true".into()))
                .await
        };
        let others = asking.await;
        let snapshot = call.api.snapshot();
        let node = self.nodes.name.clone();
        // A large fleet is written on a thread of its own.
        let written = tokio::task::spawn_blocking(move || {
            let now = wall_clock();
            let own = snapshot.processes.values();
            let mut all: Vec<Json> = own.map(|info| report(info, &node, now)).collect();
            for (remote, answer) in others {
                all.extend(processes_of(&remote, answer.unwrap_or_default()));
            }
            body::json(StatusCode::OK, &all)
        });
        written.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR.into())
    }

    /// One process.
    pub async fn info(&self, call: &Call) -> Answered {
        let name = call.capture("name");
        if let Whose::Remote(remote) = self.whose(call)? {
            let path = format!("/program/info/{}", encode(name));
            return nodes::pass_on(&remote, &Method::GET, &path, None, Bytes::new()).await;
        }
        let info = process::named(&call.api.snapshot(), name)?;
        Ok(body::json(StatusCode::OK, &Report::new(&info, &self.nodes.name, wall_clock())))
    }

    /// Starts, stops or restarts one process.
    pub async fn act(&self, call: &Call, act: Act) -> Answered {
        let name = call.capture("name");
        match self.whose(call)? {
            Whose::Own => act.on(&call.api, name).await?,
            Whose::Remote(remote) => {
                let path = format!("/program/{}/{}", act.name(), encode(name));
                return nodes::pass_on(&remote, &Method::POST, &path, None, Bytes::new()).await;
            }
        }
        Ok(success())
    }

    /// Sends a signal to one process.
    pub async fn signal(&self, call: &Call) -> Answered {
        let (name, signal) = (call.capture("name"), call.capture("signal"));
        match self.whose(call)? {
            Whose::Own => {
                process::named(&call.api.snapshot(), name)?;
                let signal = crate::api::spec::Text(signal.to_owned());
                call.api.call(operations::SignalProcess { name: name.to_owned(), signal }).await?;
                Ok(success())
            }
            Whose::Remote(remote) => {
                let body = json!({ "name": name, "signal": signal }).to_string();
                nodes::pass_on(&remote, &Method::POST, "/api/signalProcess", None, body.into())
                    .await?;
                Ok(success())
            }
        }
    }

    /// Starts, stops or restarts those that the body names, at once.
    pub async fn act_on_all(&self, call: &Call, act: Act, body: &Bytes) -> Answered {
        let expected = "expected a JSON array of {\"node\", \"program\"}";
        let wanted: Vec<Wanted> = serde_json::from_slice(body).map_err(|why| {
            Error::new(ErrorKind::IncorrectParameters, format!("{expected}: {why}"))
        })?;
        if wanted.len() > PROGRAMS_MAX {
            let why = format!("more than {PROGRAMS_MAX} programs in one request");
            return Err(Error::new(ErrorKind::IncorrectParameters, why).into());
        }
        let count = wanted.len();
        let mut waiting = wanted.into_iter().enumerate();
        let mut acting = JoinSet::new();
        let mut results = vec![Json::Null; count];
        let mut all_fine = true;
        loop {
            while acting.len() < AT_ONCE_MAX
                && let Some((place, wanted)) = waiting.next()
            {
                let (node, name) = match wanted {
                    Wanted::Name(name) => (None, name),
                    Wanted::Of(Of { node, program }) => (node, program),
                };
                let whose = self.nodes.whose(node.as_deref(), &call.head.headers);
                let node = node.unwrap_or_else(|| self.nodes.name.clone());
                let api = call.api.clone();
                acting.spawn(async move {
                    let outcome = match whose {
                        Ok(whose) => one(&api, act, whose, &name).await,
                        Err(why) => Err(why.json()),
                    };
                    (place, node, name, outcome)
                });
            }
            let Some(done) = acting.join_next().await else { break };
            let Ok((place, node, program, outcome)) = done else {
                all_fine = false;
                continue;
            };
            all_fine &= outcome.is_ok();
            results[place] = match outcome {
                Ok(()) => json!({ "node": node, "program": program, "success": true }),
                Err(why) => {
                    json!({ "node": node, "program": program, "success": false, "error": why })
                }
            };
        }
        let answer = json!({ "success": all_fine, "results": results });
        Ok(body::json(StatusCode::OK, &answer))
    }

    /// Where a call belongs.
    pub(super) fn whose(&self, call: &Call) -> Result<Whose, Refusal> {
        self.nodes.whose(call.captures.get("node"), &call.head.headers)
    }
}

/// One of several; what is wrong is JSON.
async fn one(api: &Api, act: Act, whose: Whose, name: &str) -> Result<(), Json> {
    match whose {
        Whose::Own => act.on(api, name).await.map_err(|why| Refusal::from(why).json()),
        Whose::Remote(remote) => {
            let path = format!("/program/{}/{}", act.name(), encode(name));
            let passed = nodes::pass_on(&remote, &Method::POST, &path, None, Bytes::new()).await;
            let answer = passed.map_err(|why| why.json())?;
            if answer.status().is_success() {
                return Ok(());
            }
            let whole = http_body_util::BodyExt::collect(answer.into_body()).await;
            let bytes = whole.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let said: Option<Json> = serde_json::from_slice(&bytes).ok();
            let error = said.and_then(|said| said.get("error").cloned());
            Err(error.unwrap_or_else(|| Refusal::of(StatusCode::BAD_GATEWAY).json()))
        }
    }
}

fn report(info: &Arc<ProcessInfo>, node: &str, now: crate::model::WallTime) -> Json {
    serde_json::to_value(Report::new(info, node, now)).unwrap_or_default()
}

/// What another node told of its processes, under the name that it has here.
pub fn processes_of(remote: &Remote, told: Json) -> Vec<Json> {
    let Json::Array(mut processes) = told else {
        return Vec::new();
    };
    processes.retain(Json::is_object);
    for process in &mut processes {
        process["node"] = remote.name().into();
    }
    processes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_alone_or_with_its_node() {
        let read = |text: &str| serde_json::from_str::<Vec<Wanted>>(text).is_ok();
        assert!(read(r#"["a", {"node": "n", "program": "g:a"}, {"program": "b"}]"#));
        assert!(!read(r#"[{"node": "n"}]"#));
        assert!(!read(r#"[{"program": "n", "x": 1}]"#));
        assert!(!read("[5]"));
    }
}
