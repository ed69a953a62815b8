//! Who may do what: root and the daemon's own user everything, others as polkit says.
//!
//! Who the caller is, the bus tells. Where nobody owns polkit's name there is nobody to ask, and
//! the answer is no.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use zbus::names::ErrorName;
use zbus::{Error, Type, Variant};

use super::call::Call;
use super::failure::Failure;
use crate::api::Access;

/// What polkit is asked about; the actions of `org.supervisord.Supervisor1.policy`.
fn action(access: Access) -> Option<&'static str> {
    match access {
        Access::Look | Access::Carry => None,
        Access::ReadLogs => Some("org.supervisord.Supervisor1.read-logs"),
        Access::ManageProcesses => Some("org.supervisord.Supervisor1.manage-processes"),
        Access::ManageDaemon => Some("org.supervisord.Supervisor1.manage-daemon"),
    }
}

/// Whether the caller may. Never call it where the connection is read: it waits for the bus.
///
/// # Errors
/// `AccessDenied`, or `InteractiveAuthorizationRequired` where a person could be asked and the
/// caller did not allow that.
pub async fn check(call: &Call, access: Access) -> Result<(), Failure> {
    let Some(action) = action(access) else {
        return Ok(());
    };
    let uid = user_of(call).await?;
    if uid == 0 || uid == nix::unistd::geteuid().as_raw() {
        return Ok(());
    }
    let answer = ask_polkit(call, action).await?;
    if answer.authorized {
        return Ok(());
    }
    if answer.challenge && !call.may_ask_a_person() {
        let text = format!("{action} needs a person's consent: allow interactive authorization");
        return Err(Failure::needs_interaction(text));
    }
    Err(Failure::access_denied(format!("polkit does not allow user {uid} {action}")))
}

async fn user_of(call: &Call) -> Result<u32, Failure> {
    let bus = "org.freedesktop.DBus";
    let reply = call
        .shared
        .connection
        .call_method(
            Some(bus),
            "/org/freedesktop/DBus",
            Some(bus),
            "GetConnectionUnixUser",
            &call.caller(),
        )
        .await;
    let uid = reply.and_then(|reply| reply.body().deserialize());
    uid.map_err(|why| Failure::access_denied(format!("the bus does not tell who you are: {why}")))
}

/// What polkit says (its interface `org.freedesktop.PolicyKit1.Authority`).
#[derive(Debug, Deserialize, Type)]
struct Answer {
    authorized: bool,
    challenge: bool,
    #[allow(dead_code, reason = "it is part of the message")]
    details: HashMap<String, String>,
}

/// Who is asked about.
#[derive(Debug, Serialize, Type)]
struct Subject {
    kind: &'static str,
    details: HashMap<&'static str, Variant<'static>>,
}

/// A person may be asked (`CheckAuthorizationFlags`).
const ALLOW_INTERACTION: u32 = 1;

async fn ask_polkit(call: &Call, action: &str) -> Result<Answer, Failure> {
    let caller = Variant::from(call.caller());
    let subject = Subject { kind: "system-bus-name", details: [("name", caller)].into() };
    let flags = if call.may_ask_a_person() { ALLOW_INTERACTION } else { 0 };
    let details = HashMap::<&str, &str>::new();
    let reply = call
        .shared
        .connection
        .call_method(
            Some("org.freedesktop.PolicyKit1"),
            "/org/freedesktop/PolicyKit1/Authority",
            Some("org.freedesktop.PolicyKit1.Authority"),
            "CheckAuthorization",
            &(subject, action, details, flags, ""),
        )
        .await;
    let answer = reply.and_then(|reply| reply.body().deserialize());
    answer.map_err(|why| {
        let text = if is_absent(&why) {
            format!("only root may do this where there is no polkit ({action})")
        } else {
            format!("polkit cannot be asked about {action}: {why}")
        };
        Failure::access_denied(text)
    })
}

fn is_absent(why: &Error) -> bool {
    match why {
        Error::FDO(why) => matches!(
            **why,
            zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_)
        ),
        Error::MethodError(name, _, _) => is_spawn_error(name),
        _ => false,
    }
}

/// It could be started by the bus, and does not start.
fn is_spawn_error(name: &ErrorName<'_>) -> bool {
    name.as_str().starts_with("org.freedesktop.DBus.Error.Spawn.")
}
