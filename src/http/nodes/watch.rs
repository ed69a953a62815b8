//! Tells those who look at the page of other nodes, for as long as somebody does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Nodes, Remote, json_of};
use crate::http::events::Hub;
use crate::http::rest::program::processes_of;
use crate::http::rest::supervisor::node_of;

/// How long after an answer another node is asked again. Only while somebody looks.
const EVERY: Duration = Duration::from_secs(3);

/// One task for each other node: one that hangs delays no other. They end with the set.
#[must_use]
pub fn watch(nodes: &Nodes, hub: &Arc<Hub>) -> JoinSet<()> {
    let mut watching = JoinSet::new();
    for remote in &nodes.remotes {
        watching.spawn(watch_one(Arc::clone(remote), Arc::clone(hub)));
    }
    watching
}

async fn watch_one(remote: Arc<Remote>, hub: Arc<Hub>) {
    let mut watchers = hub.watch_node_watchers();
    while watchers.wait_for(|count| *count > 0).await.is_ok() {
        let looking = async {
            loop {
                hub.publish_node(remote.name(), &look(&remote).await);
                sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = looking => {}
            nobody = watchers.wait_for(|count| *count == 0) => {
                // Whoever comes next is told what is so then, not what was.
                hub.forget_node(remote.name());
                if nobody.is_err() {
                    return;
                }
            }
        }
    }
}

/// How a node is, with its processes.
async fn look(remote: &Arc<Remote>) -> Json {
    let ask = |path: &str| json_of(Arc::clone(remote), path.to_owned());
    let asked =
        tokio::join!(ask("/supervisor/listNodes?local=true"), ask("/program/list?local=true"));
    let (node, programs) = match asked {
        (Ok(node), Ok(programs)) => (Ok(node), processes_of(remote, programs)),
        (Err(why), _) | (_, Err(why)) => (Err(why), Vec::new()),
    };
    let mut told = node_of(remote, node);
    told["programs"] = json!(programs);
    told
}
