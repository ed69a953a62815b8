//! The table of routes: what each path means, which methods it takes, who may use it. The router
//! dispatches by it and the OpenAPI page is made of it, so neither can forget one.

use super::path::{Captures, decode, segments};
use crate::api::Access;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// `/RPC2`, and whatever begins so.
    Rpc,
    /// `/logtail/NAME`, with the channel behind it or stdout.
    LogTail,
    /// `/mainlogtail`, and whatever begins so.
    MainLogTail,
    /// One operation, by its name.
    Operation,
    /// Every process of every node.
    ProgramList,
    /// One process.
    ProgramInfo,
    /// How one process is configured.
    ProgramDetail,
    /// Starts, stops or restarts one process.
    Program(Act),
    /// Starts, stops or restarts those that the body names.
    Programs(Act),
    /// Sends a signal to one process.
    ProgramSignal,
    /// A log of a process.
    ProgramLog,
    /// The activity log.
    MainLog,
    /// Every node.
    NodeList,
    /// Whether a node answers.
    Ping,
    /// Applies the configuration, shuts down or begins anew.
    Daemon(DaemonAct),
    /// The file that a program's `conf_file` names.
    ConfFile,
    /// What happens, as it happens.
    Events,
    /// Figures.
    Metrics,
    /// Whether the daemon's loop turns.
    Health,
    /// Whether it takes work.
    Ready,
    /// This table, for programs.
    OpenApi,
    /// The page for people.
    Page,
    /// A file of the page.
    Asset,
    /// Supervisor's own page, whose links are kept alive.
    OldPage,
    /// Supervisor's own log page.
    OldTail,
}

/// What is done to processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop it if it runs, and start it.
    Restart,
}

/// What is done to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DaemonAct {
    /// Read the configuration anew and apply it.
    Reload,
    /// Stop everything and end.
    Shutdown,
    /// Stop everything and begin anew.
    Restart,
}

/// A method of HTTP that a route takes. Whatever takes GET takes HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Looks.
    Get,
    /// Changes.
    Post,
    /// Changes; the same as POST.
    Put,
}

/// What a request's body must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: a body is not looked at.
    Nothing,
    /// An XML-RPC call.
    Xml,
    /// The parameters of an operation, as a JSON object.
    Parameters,
    /// `[{"node", "program"}]`, or an array of names.
    Programs,
    /// The fields of a form, here or in the query.
    Form,
}

/// What a good answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// JSON of this schema of the OpenAPI page.
    Json(&'static str),
    /// A JSON array of them.
    Array(&'static str),
    /// Text of this media type.
    Text(&'static str),
    /// Nothing but the way to another page.
    Redirect,
}

/// A parameter in the query.
#[derive(Debug)]
pub struct QueryParam {
    /// Its name.
    pub name: &'static str,
    /// `string`, `integer` or `boolean`, as JSON Schema has them.
    pub kind: &'static str,
    /// What it is for.
    pub help: &'static str,
}

/// A row of the table.
#[derive(Debug)]
pub struct RouteSpec {
    /// What it leads to.
    pub at: At,
    /// The path; a segment in braces stands for anything but nothing.
    pub pattern: &'static str,
    /// The methods it takes.
    pub verbs: &'static [Verb],
    /// What a caller must be allowed to do.
    pub access: Access,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// Its parameters in the query.
    pub query: &'static [QueryParam],
    /// What its body is.
    pub takes: Takes,
    /// What its answer is.
    pub gives: Gives,
}

const LOOK: &[Verb] = &[Verb::Get];
const CHANGE: &[Verb] = &[Verb::Post, Verb::Put];

const LOCAL: QueryParam =
    QueryParam { name: "local", kind: "boolean", help: "This node's own only." };
const OFFSET: QueryParam =
    QueryParam { name: "offset", kind: "integer", help: "With `follow`: the first byte." };
const LOG_QUERY: &[QueryParam] = &[
    QueryParam { name: "download", kind: "boolean", help: "As a file to be kept." },
    QueryParam { name: "follow", kind: "boolean", help: "Every byte as it is written." },
    OFFSET,
    QueryParam { name: "search", kind: "string", help: "The lines with this text, as JSON." },
    QueryParam { name: "from", kind: "integer", help: "With `search`: the first byte." },
    QueryParam { name: "limit", kind: "integer", help: "With `search`: lines at most." },
];
const EVENT_QUERY: &[QueryParam] = &[
    QueryParam { name: "types", kind: "string", help: "Only these, divided by commas." },
    QueryParam { name: "snapshot", kind: "boolean", help: "First, how everything stands." },
    QueryParam { name: "nodes", kind: "boolean", help: "Of remote nodes too." },
];
const OLD_QUERY: &[QueryParam] = &[
    QueryParam { name: "action", kind: "string", help: "What to do." },
    QueryParam { name: "processname", kind: "string", help: "To which process." },
];

/// Shortens the rows below.
const fn row(
    at: At,
    pattern: &'static str,
    verbs: &'static [Verb],
    access: Access,
    gives: Gives,
    help: &'static str,
) -> RouteSpec {
    RouteSpec { at, pattern, verbs, access, help, query: &[], takes: Takes::Nothing, gives }
}

impl RouteSpec {
    const fn asks(mut self, query: &'static [QueryParam]) -> Self {
        self.query = query;
        self
    }

    const fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }
}

/// Whether one of them is this method.
#[must_use]
pub fn allows(verbs: &[Verb], method: &hyper::Method) -> bool {
    let verb = match *method {
        hyper::Method::GET | hyper::Method::HEAD => Verb::Get,
        hyper::Method::POST => Verb::Post,
        hyper::Method::PUT => Verb::Put,
        _ => return false,
    };
    verbs.contains(&verb)
}

/// Methods as the header `Allow` lists them.
#[must_use]
pub fn allow(verbs: &[Verb]) -> String {
    let names = verbs.iter().map(|verb| match verb {
        Verb::Get => "GET, HEAD",
        Verb::Post => "POST",
        Verb::Put => "PUT",
    });
    names.chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}

const PROCESS: Gives = Gives::Json("Process");
const SUCCESS: Gives = Gives::Json("Success");
const RESULTS: Gives = Gives::Json("Results");
const PLAIN: Gives = Gives::Text("text/plain");
const HTML: Gives = Gives::Text("text/html");
const MANAGE: Access = Access::ManageProcesses;
const ADMIN: Access = Access::ManageDaemon;

/// Every route. The first that fits is it.
#[rustfmt::skip]
pub static ROUTES: &[RouteSpec] = &[
    row(At::Rpc, "/RPC2", &[Verb::Post], Access::Carry, Gives::Text("text/xml"),
        "XML-RPC.").takes(Takes::Xml),
    row(At::Operation, "/api/{operation}", &[Verb::Get, Verb::Post], Access::Carry, Gives::Json("Any"),
        "An operation of XML-RPC, in JSON.").takes(Takes::Parameters),
    row(At::ProgramList, "/program/list", LOOK, Access::Look, Gives::Array("Process"),
        "Every process of every node.").asks(&[LOCAL]),
    row(At::ProgramInfo, "/program/info/{name}", LOOK, Access::Look, PROCESS,
        "One process of this node."),
    row(At::ProgramInfo, "/program/info/{node}/{name}", LOOK, Access::Look, PROCESS,
        "One process."),
    row(At::ProgramDetail, "/program/detail/{name}", LOOK, Access::Look, Gives::Json("Detail"),
        "How a process of this node is configured."),
    row(At::ProgramDetail, "/program/detail/{node}/{name}", LOOK, Access::Look, Gives::Json("Detail"),
        "How a process is configured."),
    row(At::Program(Act::Start), "/program/start/{name}", CHANGE, MANAGE, SUCCESS,
        "Starts a process of this node; answers when it is RUNNING."),
    row(At::Program(Act::Start), "/program/start/{node}/{name}", CHANGE, MANAGE, SUCCESS,
        "Starts a process; answers when it is RUNNING."),
    row(At::Program(Act::Stop), "/program/stop/{name}", CHANGE, MANAGE, SUCCESS,
        "Stops a process of this node; answers when it has ended."),
    row(At::Program(Act::Stop), "/program/stop/{node}/{name}", CHANGE, MANAGE, SUCCESS,
        "Stops a process; answers when it has ended."),
    row(At::Program(Act::Restart), "/program/restart/{name}", CHANGE, MANAGE, SUCCESS,
        "Stops a process of this node, if it runs, and starts it."),
    row(At::Program(Act::Restart), "/program/restart/{node}/{name}", CHANGE, MANAGE, SUCCESS,
        "Stops a process, if it runs, and starts it."),
    row(At::ProgramSignal, "/program/signal/{node}/{name}/{signal}", CHANGE, MANAGE, SUCCESS,
        "Sends a signal to a process."),
    row(At::Programs(Act::Start), "/program/startPrograms", CHANGE, MANAGE, RESULTS,
        "Starts several processes.").takes(Takes::Programs),
    row(At::Programs(Act::Stop), "/program/stopPrograms", CHANGE, MANAGE, RESULTS,
        "Stops several processes.").takes(Takes::Programs),
    row(At::Programs(Act::Restart), "/program/restartPrograms", CHANGE, MANAGE, RESULTS,
        "Restarts several processes.").takes(Takes::Programs),
    row(At::ProgramLog, "/program/log/{name}/{channel}", LOOK, Access::ReadLogs, PLAIN,
        "A log of a process of this node, the piece that `Range` asks for.").asks(LOG_QUERY),
    row(At::ProgramLog, "/program/log/{node}/{name}/{channel}", LOOK, Access::ReadLogs, PLAIN,
        "A log of a process, the piece that `Range` asks for.").asks(LOG_QUERY),
    row(At::MainLog, "/supervisor/log", LOOK, Access::ReadLogs, PLAIN,
        "The activity log of this node.").asks(LOG_QUERY),
    row(At::MainLog, "/supervisor/{node}/log", LOOK, Access::ReadLogs, PLAIN,
        "The activity log of a node.").asks(LOG_QUERY),
    row(At::NodeList, "/supervisor/listNodes", LOOK, Access::Look, Gives::Array("Node"),
        "Every node: whether it answers, and how busy it is.").asks(&[LOCAL]),
    row(At::Ping, "/supervisor/{node}/ping", LOOK, Access::Look, SUCCESS,
        "Whether a node answers."),
    row(At::Daemon(DaemonAct::Reload), "/supervisor/reload", CHANGE, ADMIN, SUCCESS,
        "Reads the configuration anew and applies it."),
    row(At::Daemon(DaemonAct::Reload), "/supervisor/{node}/reload", CHANGE, ADMIN, SUCCESS,
        "Reads a node's configuration anew and applies it."),
    row(At::Daemon(DaemonAct::Shutdown), "/supervisor/shutdown", CHANGE, ADMIN, SUCCESS,
        "Stops everything and ends."),
    row(At::Daemon(DaemonAct::Shutdown), "/supervisor/{node}/shutdown", CHANGE, ADMIN, SUCCESS,
        "Stops everything on a node and ends."),
    row(At::Daemon(DaemonAct::Restart), "/supervisor/restart", CHANGE, ADMIN, SUCCESS,
        "Stops everything and begins anew."),
    row(At::Daemon(DaemonAct::Restart), "/supervisor/{node}/restart", CHANGE, ADMIN, SUCCESS,
        "Stops everything on a node and begins anew."),
    row(At::LogTail, "/logtail/{name}", LOOK, Access::ReadLogs, PLAIN,
        "The end of a process's stdout, then every byte as it is written.").asks(&[OFFSET]),
    row(At::LogTail, "/logtail/{name}/{channel}", LOOK, Access::ReadLogs, PLAIN,
        "The end of a process's log, then every byte as it is written.").asks(&[OFFSET]),
    row(At::MainLogTail, "/mainlogtail", LOOK, Access::ReadLogs, PLAIN,
        "The end of the activity log, then every byte as it is written.").asks(&[OFFSET]),
    row(At::ConfFile, "/conf/{name}", LOOK, ADMIN, PLAIN,
        "The file that a program's `conf_file` names."),
    row(At::Events, "/events", LOOK, Access::Look, Gives::Text("text/event-stream"),
        "What happens, as it happens (server-sent events).").asks(EVENT_QUERY),
    row(At::Metrics, "/metrics", LOOK, Access::Look, PLAIN,
        "Figures, as OpenMetrics."),
    row(At::Health, "/healthz", LOOK, Access::Look, Gives::Json("Status"),
        "Whether the supervision turns."),
    row(At::Ready, "/readyz", LOOK, Access::Look, Gives::Json("Status"),
        "Whether the daemon takes work."),
    row(At::OpenApi, "/openapi.json", LOOK, Access::Look, Gives::Json("Any"),
        "This description."),
    row(At::Page, "/", LOOK, Access::Look, HTML, "The page for people."),
    row(At::Asset, "/web/{hash}/{file}", LOOK, Access::Look, HTML, "A file of the page."),
    row(At::OldPage, "/index.html", &[Verb::Get, Verb::Post], Access::Carry, Gives::Redirect,
        "Supervisor's own page: POST does what `action` says, and all lead to the page.")
        .asks(OLD_QUERY).takes(Takes::Form),
    row(At::OldTail, "/tail.html", LOOK, Access::ReadLogs, Gives::Redirect,
        "Supervisor's own log page, which leads to the page's.").asks(OLD_QUERY),
];

/// Where a path leads, and what stands in the places of its pattern.
#[derive(Debug)]
pub struct Route {
    /// The row.
    pub spec: &'static RouteSpec,
    /// What the braces stand for.
    pub captures: Captures,
}

impl Route {
    /// The route of a path, `%41` and all; `None` where it leads nowhere. A slash that is written
    /// `%2F` divides nothing, so any name can be a segment.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let segments = segments(path)?;
        let found = ROUTES.iter().find_map(|spec| {
            let captures = captures(spec.pattern, &segments)?;
            Some(Self { spec, captures })
        });
        found.or_else(|| as_the_reference(path))
    }
}

/// What the braces stand for, if the pattern fits.
fn captures(pattern: &'static str, segments: &[String]) -> Option<Captures> {
    let mut captures = Captures::default();
    let mut rest = segments.iter();
    for part in pattern.split('/').skip(1) {
        let segment = rest.next()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            // No method of XML-RPC has an empty name, but a process that is asked for may.
            Some(name) if name == "name" || !segment.is_empty() => captures.push(name, segment),
            None if part == segment => {}
            _ => return None,
        }
    }
    rest.next().is_none().then_some(captures)
}

/// In the reference what is compared is the beginning: `/RPC2foo`, `/mainlogtailx`, `/logtailx/web`.
fn as_the_reference(path: &str) -> Option<Route> {
    let path = decode(path);
    let at = |at: At| ROUTES.iter().find(|spec| spec.at == at);
    if path.starts_with("/RPC2") {
        return Some(Route { spec: at(At::Rpc)?, captures: Captures::default() });
    }
    if path.starts_with("/mainlogtail") {
        return Some(Route { spec: at(At::MainLogTail)?, captures: Captures::default() });
    }
    if !path.starts_with("/logtail") {
        return None;
    }
    let (_, rest) = path.trim_start_matches('/').split_once('/')?;
    let mut captures = Captures::default();
    match rest.split_once('/') {
        None => captures.push("name", rest),
        Some((name, channel @ ("stdout" | "stderr"))) => {
            captures.push("name", name);
            captures.push("channel", channel);
        }
        Some(_) => return None,
    }
    Some(Route { spec: at(At::LogTail)?, captures })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(path: &str) -> Option<(At, Captures)> {
        Route::of(path).map(|route| (route.spec.at, route.captures))
    }

    proptest! {
        #[test]
        fn an_escape_leads_where_its_byte_does(path in "/?[a-zRPC2/:]{0,12}\\PC{0,12}") {
            let escaped: String = path
                .bytes()
                .map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") })
                .collect();
            prop_assume!(!path.contains('%'));
            prop_assert_eq!(seen(&path), seen(&escaped));
        }
    }

    #[test]
    fn paths_lead_where_the_references_do() {
        let check = |path: &str, wanted: Option<(At, &[(&'static str, &str)])>| {
            let wanted = wanted.map(|(at, pairs)| {
                let mut captures = Captures::default();
                pairs.iter().for_each(|(name, value)| captures.push(name, *value));
                (at, captures)
            });
            assert_eq!(seen(path), wanted, "{path}");
        };
        for path in ["/RPC2", "/RPC2/", "/RPC2foo", "/%52PC2"] {
            check(path, Some((At::Rpc, &[])));
        }
        for path in ["/rpc2", "//RPC2", "", "*", "/logtail", "/logtail/c/stdout/x"] {
            check(path, None);
        }
        check("/", Some((At::Page, &[])));
        check("/mainlogtailxx", Some((At::MainLogTail, &[])));
        check("/logtail/cat", Some((At::LogTail, &[("name", "cat")])));
        check("/logtail/", Some((At::LogTail, &[("name", "")])));
        check("/logtailx/cat", Some((At::LogTail, &[("name", "cat")])));
        let err: &[_] = &[("name", "g:cat"), ("channel", "stderr")];
        check("/logtail/g:cat/stderr", Some((At::LogTail, err)));
        check("/logtail/g%3acat/stderr", Some((At::LogTail, err)));
        check("/logtail/a%2", Some((At::LogTail, &[("name", "a%2")])));
        check("/logtail/%ff", Some((At::LogTail, &[("name", "\u{fffd}")])));
    }

    #[test]
    fn a_name_may_hold_a_slash_and_the_node_may_be_left_out() {
        let name = |path: &str| {
            let route = Route::of(path).unwrap();
            (
                route.captures.get("node").map(str::to_owned),
                route.captures.get("name").unwrap().to_owned(),
            )
        };
        assert_eq!(name("/program/start/g:n"), (None, "g:n".to_owned()));
        assert_eq!(name("/program/start/box/g:n"), (Some("box".to_owned()), "g:n".to_owned()));
        assert_eq!(name("/program/start/g%3Aa%2Fb"), (None, "g:a/b".to_owned()));
        assert_eq!(name("/program/log/a%2Fb/stdout"), (None, "a/b".to_owned()));
    }

    #[test]
    fn the_page_on_http_lists_every_route() {
        let page = include_str!("../../docs/http.md");
        let mut rows = String::new();
        for spec in ROUTES {
            let verbs = spec.verbs.iter().map(|verb| match verb {
                Verb::Get => "GET",
                Verb::Post => "POST",
                Verb::Put => "PUT",
            });
            // PUT is POST's twin: the text says so.
            let verbs: Vec<_> = verbs.filter(|verb| *verb != "PUT").collect();
            let query = spec.query.iter().map(|param| format!(" `{}`", param.name));
            let query: String = query.collect();
            rows.push_str(&format!(
                "| {} | `{}`{} | {} | {} |\n",
                verbs.join(", "),
                spec.pattern,
                if query.is_empty() { query } else { format!(" ?{query}") },
                spec.access.role(),
                spec.help
            ));
        }
        assert!(page.contains(&rows), "docs/http.md must hold this table:\n{rows}");
    }

    #[test]
    fn what_changes_something_is_no_get() {
        for spec in ROUTES {
            let changes =
                matches!(spec.access, Access::ManageProcesses) || matches!(spec.at, At::Daemon(_));
            let looks = spec.verbs.contains(&Verb::Get);
            assert!(!(changes && looks), "{}", spec.pattern);
            assert!(spec.pattern.starts_with('/') && !spec.help.is_empty());
            let allowed = allow(spec.verbs);
            let looks = allows(spec.verbs, &hyper::Method::HEAD);
            assert_eq!(allowed.contains("GET"), looks, "{allowed}");
        }
    }
}
