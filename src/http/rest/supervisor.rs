//! `/supervisor/*`: the daemon itself, here and on other nodes.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{Answered, Rest, success};
use crate::api::{Api, operations};
use crate::http::body;
use crate::http::nodes::{self, Remote, Whose, is_passed_on};
use crate::http::request::Call;
use crate::http::routes::DaemonAct;

impl Rest {
    /// Every node, unless this one alone is asked for.
    pub async fn list_nodes(&self, call: &Call) -> Answered {
        let only_own = call.query.truth("local")? || is_passed_on(&call.head.headers);
        let own = self.own_node(&call.api);
        let others = async { if only_own { Vec::new() } else { self.other_nodes().await } };
        let (own, others) = tokio::join!(own, others);
        let all: Vec<Json> = std::iter::once(own).chain(others).collect();
        Ok(body::json(StatusCode::OK, &all))
    }

    /// This node and how busy it is.
    async fn own_node(&self, api: &Api) -> Json {
        let load = api.usage().node().await;
        json!({
            "name": self.nodes.name,
            "status": "ONLINE",
            "cpu_percent": load.cpu_percent,
            "mem_total": load.memory_total,
            "mem_used": load.memory_used,
            "mem_used_percent": load.memory_percent(),
            "self": true,
        })
    }

    async fn other_nodes(&self) -> Vec<Json> {
        let path = "/supervisor/listNodes?local=true";
        let asked = self.nodes.ask_all(|remote| nodes::json_of(remote, path.to_owned())).await;
        asked.into_iter().map(|(remote, answer)| node_of(&remote, answer)).collect()
    }

    /// Whether a node answers.
    pub async fn ping(&self, call: &Call) -> Answered {
        if let Whose::Remote(remote) = self.whose(call)? {
            let answer = nodes::json_of(remote.clone(), "/supervisor/listNodes?local=true".into());
            answer.await.map_err(|why| nodes::unreachable(&remote, &why))?;
        }
        Ok(success())
    }

    /// Does something to the daemon.
    pub async fn daemon(&self, call: &Call, act: DaemonAct) -> Answered {
        if let Whose::Remote(remote) = self.whose(call)? {
            let path = match act {
                DaemonAct::Reload => "/supervisor/reload",
                DaemonAct::Shutdown => "/supervisor/shutdown",
                DaemonAct::Restart => "/supervisor/restart",
            };
            return nodes::pass_on(&remote, &Method::POST, path, None, Bytes::new()).await;
        }
        match act {
            DaemonAct::Reload => call.api.call(operations::Update {}).await?,
            DaemonAct::Shutdown => call.api.call(operations::Shutdown {}).await?,
            DaemonAct::Restart => call.api.call(operations::Restart {}).await?,
        };
        Ok(success())
    }
}

/// Another node as it is told of: what it says of itself, or why it says nothing.
pub fn node_of(remote: &Arc<Remote>, answer: Result<Json, String>) -> Json {
    let told = answer.and_then(|answer| {
        let own = answer.get(0).filter(|own| own.is_object()).cloned();
        own.ok_or_else(|| "its answer is no list of nodes".to_owned())
    });
    match told {
        Ok(own) => {
            let of = |member: &str| own.get(member).cloned().unwrap_or_default();
            json!({
                "name": remote.name(),
                "status": "ONLINE",
                "cpu_percent": of("cpu_percent"),
                "mem_total": of("mem_total"),
                "mem_used": of("mem_used"),
                "mem_used_percent": of("mem_used_percent"),
                "self": false,
            })
        }
        Err(why) => json!({
            "name": remote.name(),
            "status": "OFFLINE",
            "cpu_percent": 0.0,
            "mem_total": 0,
            "mem_used": 0,
            "mem_used_percent": 0.0,
            "self": false,
            "error": why,
        }),
    }
}
