//! What the routes that speak JSON and plain text do.

use std::sync::Arc;

use super::body::{Body, json};
use super::nodes::Nodes;
use super::refusal::Refusal;
use hyper::{Response, StatusCode};
use serde_json::json;

pub mod conf;
pub mod detail;
pub mod log;
pub mod old;
pub mod operation;
pub mod program;
pub mod search;
pub mod supervisor;

/// What a handler gives.
pub type Answered = Result<Response<Body>, Refusal>;

/// What the handlers share.
pub struct Rest {
    /// This node and the others.
    pub nodes: Arc<Nodes>,
    /// Searches under way.
    pub searches: search::Searches,
}

impl Rest {
    /// What the handlers share, to begin with.
    #[must_use]
    pub fn new(nodes: Arc<Nodes>) -> Self {
        Self { nodes, searches: search::Searches::default() }
    }
}

/// `{"success": true}`
fn success() -> Response<Body> {
    json(StatusCode::OK, &json!({ "success": true }))
}
