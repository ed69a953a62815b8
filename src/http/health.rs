//! `GET /healthz` and `/readyz`: for whoever watches over the daemon.

use std::time::Duration;

use hyper::{Response, StatusCode};
use serde_json::json;
use tokio::time::timeout;

use super::body::{Body, json};
use crate::api::Api;
use crate::model::SupervisorState;

/// How long the supervision loop may take to come round; a slower one is told as stuck.
pub const HEARTBEAT_TIME_MAX: Duration = Duration::from_secs(2);

/// Whether the supervision turns: 200 `{"status":"ok"}`, else 503.
pub async fn healthz(api: &Api) -> Response<Body> {
    match timeout(HEARTBEAT_TIME_MAX, api.heartbeat()).await {
        Ok(()) if api.is_over() => unavailable("ended"),
        Ok(()) => json(StatusCode::OK, &json!({"status": "ok"})),
        Err(_) => unavailable("stuck"),
    }
}

/// Whether the daemon takes work: 200 `{"status":"ready"}`, and 503 while it stops everything.
/// That its listeners answer, the answer says.
pub async fn readyz(api: &Api) -> Response<Body> {
    match api.snapshot().state {
        _ if api.is_over() => unavailable("ended"),
        SupervisorState::Running => json(StatusCode::OK, &json!({"status": "ready"})),
        state => unavailable(&state.name().to_lowercase()),
    }
}

fn unavailable(status: &str) -> Response<Body> {
    json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": status}))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::api::tests::fake::Fake;

    async fn told(response: Response<Body>) -> String {
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        format!("{status} {}", String::from_utf8_lossy(&body))
    }

    #[tokio::test]
    async fn a_daemon_that_stops_is_alive_and_takes_no_work() {
        let fake = Fake::new(&[]);
        assert_eq!(told(healthz(&fake.api).await).await, r#"200 {"status":"ok"}"#);
        assert_eq!(told(readyz(&fake.api).await).await, r#"200 {"status":"ready"}"#);
        fake.change(|fleet| fleet.state = SupervisorState::Shutdown);
        assert_eq!(told(healthz(&fake.api).await).await, r#"200 {"status":"ok"}"#);
        assert_eq!(told(readyz(&fake.api).await).await, r#"503 {"status":"shutdown"}"#);
    }

    #[tokio::test]
    async fn a_loop_that_does_not_come_round_is_told() {
        let stuck = Fake::stuck();
        assert_eq!(told(healthz(&stuck.api).await).await, r#"503 {"status":"stuck"}"#);
        assert_eq!(told(readyz(&stuck.api).await).await, r#"200 {"status":"ready"}"#);
    }
}
