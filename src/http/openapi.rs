//! The description of every route for programs (OpenAPI 3.1), made of the table of routes and the
//! table of operations: neither can have something that is not here.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::rest::operation::{offered, only_looks};
use super::rest::program::PROGRAMS_MAX;
use super::routes::{At, Gives, QueryParam, ROUTES, RouteSpec, Takes, Verb};
use crate::api::{Access, Param, Spec, Type};

/// Routes that are for browsers or speak XML, which this description has no words for.
fn is_described(spec: &RouteSpec) -> bool {
    let browsers = matches!(spec.at, At::Page | At::Asset | At::OldPage | At::OldTail);
    !browsers && !matches!(spec.at, At::Rpc | At::Operation)
}

/// The whole description, as text.
#[must_use]
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| describe().to_string());
    &DOCUMENT
}

fn describe() -> Json {
    let mut paths: Map<String, Json> = Map::new();
    for spec in ROUTES.iter().filter(|spec| is_described(spec)) {
        let path = paths.entry(spec.pattern).or_insert_with(|| json!({}));
        for verb in spec.verbs {
            path[method(*verb)] = route(spec, *verb);
        }
    }
    for (name, spec) in offered() {
        let path = paths.entry(format!("/api/{name}")).or_insert_with(|| json!({}));
        path["post"] = posted(name, spec);
        if only_looks(spec) {
            path["get"] = asked(name, spec);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "supervisord",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT", "identifier": "MIT" },
            "description": "The processes of a supervisord, and the daemon itself. XML-RPC, at \
                            /RPC2, has the same operations as /api.",
        },
        "servers": [{ "url": "." }],
        "security": [{ "basic": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "schemas": schemas(),
            "responses": {
                "Error": {
                    "description": "Why not.",
                    "content": { "application/json": { "schema": reference("Error") } },
                },
            },
        },
    })
}

fn method(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Put => "put",
    }
}

fn reference(schema: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// One route.
fn route(spec: &RouteSpec, verb: Verb) -> Json {
    let in_path =
        spec.pattern.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        let schema = match name {
            "channel" => json!({ "type": "string", "enum": ["stdout", "stderr"] }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let in_query = spec.query.iter().map(|QueryParam { name, kind, help }| {
        let schema = match *kind {
            "integer" => json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX }),
            "string" if *name == "search" => {
                json!({ "type": "string", "minLength": 1, "maxLength": 200 })
            }
            kind => json!({ "type": kind }),
        };
        json!({ "name": name, "in": "query", "description": help, "schema": schema })
    });
    let text = |media_type: &str| json!({ media_type: { "schema": { "type": "string" } } });
    let content = match spec.gives {
        Gives::Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
        Gives::Array(schema) => {
            let schema = json!({ "type": "array", "items": reference(schema) });
            json!({ "application/json": { "schema": schema } })
        }
        Gives::Text("text/plain") if spec.query.iter().any(|param| param.name == "search") => {
            json!({
                "text/plain": { "schema": { "type": "string" } },
                "application/json": { "schema": reference("Found") },
            })
        }
        Gives::Text("text/plain") if spec.at == At::Metrics => json!({
            "text/plain": { "schema": { "type": "string" } },
            "application/openmetrics-text": { "schema": { "type": "string" } },
        }),
        Gives::Text(media_type) => text(media_type),
        Gives::Redirect => json!({}),
    };
    let mut responses = json!({ "200": { "description": "It is so.", "content": content } });
    if matches!(spec.at, At::ProgramLog | At::MainLog | At::ConfFile) {
        let content = text("text/plain");
        responses["206"] = json!({ "description": "The piece asked for.", "content": content });
    }
    let mut described = json!({
        "operationId": operation_id(spec, verb),
        "summary": spec.help,
        "x-role": spec.access.role().name(),
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": with_errors(responses),
    });
    if spec.takes == Takes::Programs {
        let schema =
            json!({ "type": "array", "maxItems": PROGRAMS_MAX, "items": reference("Wanted") });
        let content = json!({ "application/json": { "schema": schema } });
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

/// Unique for each path and method, and made of nothing but letters and digits.
fn operation_id(spec: &RouteSpec, verb: Verb) -> String {
    let mut id = method(verb).to_owned();
    for part in spec.pattern.split(['/', '{', '}', '.']).filter(|part| !part.is_empty()) {
        let mut letters = part.chars();
        id.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        id.extend(letters);
    }
    id
}

/// Every answer that is no good one: each route can be refused in each of these ways.
fn with_errors(mut responses: Json) -> Json {
    responses["default"] = json!({ "$ref": "#/components/responses/Error" });
    responses
}

/// An operation by POST.
fn posted(name: &str, spec: &Spec) -> Json {
    let mut described = operation(name, "post", spec);
    let properties: Map<String, Json> =
        spec.params.iter().map(|param| (param.name.to_owned(), schema_of(param))).collect();
    let required: Vec<&str> = spec
        .params
        .iter()
        .filter(|param| param.default.is_none())
        .map(|param| param.name)
        .collect();
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let content = json!({ "application/json": { "schema": schema } });
    described["requestBody"] = json!({ "required": !required.is_empty(), "content": content });
    described
}

/// An operation by GET.
fn asked(name: &str, spec: &Spec) -> Json {
    let mut described = operation(name, "get", spec);
    let parameters = spec.params.iter().map(|param| {
        json!({
            "name": param.name,
            "in": "query",
            "required": param.default.is_none(),
            "schema": schema_of(param),
        })
    });
    described["parameters"] = parameters.collect();
    described
}

fn operation(name: &str, verb: &str, spec: &Spec) -> Json {
    let help = spec.help.split_whitespace().collect::<Vec<_>>().join(" ");
    let content = json!({ "application/json": { "schema": answer_of(spec) } });
    let mut id = name.to_owned();
    if verb == "get" {
        id.push_str("ByGet");
    }
    json!({
        "operationId": id,
        "description": help,
        "x-role": spec.access.role().name(),
        "responses": with_errors(json!({
            "200": { "description": "It is so.", "content": content },
        })),
    })
}

fn schema_of(param: &Param) -> Json {
    match param.kind {
        Type::Boolean => json!({ "type": "boolean", "default": true }),
        Type::Int => json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }),
        Type::String => json!({ "type": "string" }),
        Type::Array => json!({ "type": "array" }),
        Type::Struct => json!({ "type": "object" }),
    }
}

/// What an operation answers. Named `group:*`, one of a process answers as one of a group.
fn answer_of(spec: &Spec) -> Json {
    let takes_name = spec.params.iter().any(|param| param.name == "name");
    let of_processes = spec.access == Access::ManageProcesses && takes_name;
    match spec.returns {
        Type::Boolean if of_processes => json!({ "type": ["boolean", "array"] }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Int => json!({ "type": "integer" }),
        Type::String => json!({ "type": "string" }),
        Type::Array => json!({ "type": "array" }),
        Type::Struct => json!({ "type": "object" }),
    }
}

fn schemas() -> Json {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "number" });
    let whole = || json!({ "type": "integer" });
    let truth = || json!({ "type": "boolean" });
    let object = |required: &[&str], properties: Json| json!({ "type": "object", "required": required, "properties": properties });
    let error = object(&["kind", "message"], json!({ "kind": text(), "message": text() }));
    let result = object(
        &["node", "program", "success"],
        json!({ "node": text(), "program": text(), "success": truth(), "error": error }),
    );
    let of_node = json!({
        "type": "object",
        "required": ["program"],
        "properties": { "node": { "type": ["string", "null"] }, "program": text() },
        "additionalProperties": false,
    });
    let found = object(&["offset", "line"], json!({ "offset": whole(), "line": text() }));
    json!({
        "Any": {},
        "Error": object(&["error"], json!({ "error": error })),
        "Success": object(&["success"], json!({ "success": truth() })),
        "Status": object(&["status"], json!({ "status": text() })),
        "Results": object(&["success", "results"], json!({
            "success": truth(),
            "results": { "type": "array", "items": result },
        })),
        "Wanted": { "anyOf": [text(), of_node] },
        "Found": object(&["size", "matches", "next"], json!({
            "size": whole(),
            "matches": { "type": "array", "items": found },
            "next": { "type": ["integer", "null"] },
        })),
        "Node": object(
            &["name", "status", "cpu_percent", "mem_total", "mem_used", "mem_used_percent", "self"],
            json!({
                "name": text(),
                "status": { "type": "string", "enum": ["ONLINE", "OFFLINE"] },
                "cpu_percent": number(),
                "mem_total": whole(),
                "mem_used": whole(),
                "mem_used_percent": number(),
                "self": truth(),
                "error": text(),
            }),
        ),
        "Process": object(
            &[
                "node", "name", "group", "description", "start", "stop", "now", "state",
                "statename", "spawnerr", "exitstatus", "logfile", "stdout_logfile",
                "stderr_logfile", "pid",
            ],
            json!({
                "node": text(), "name": text(), "group": text(), "description": text(),
                "start": whole(), "stop": whole(), "now": whole(),
                "state": whole(), "statename": text(), "spawnerr": text(), "exitstatus": whole(),
                "logfile": text(), "stdout_logfile": text(), "stderr_logfile": text(),
                "pid": whole(),
                "id": text(), "command": text(), "priority": whole(), "changed": number(),
                "reason": text(), "exit": { "type": ["object", "null"] },
                "tries": whole(), "retries": whole(), "retry_at": number(), "restarts": whole(),
                "restarts_last_hour": whole(),
                "starts": { "type": "array", "items": number() },
                "history": { "type": "array", "items": { "type": "array" } },
                "status_text": text(), "control_group": text(),
            }),
        ),
        "Detail": object(
            &["command", "priority", "environment", "config", "logs", "limits"],
            json!({
                "command": text(),
                "directory": { "type": ["string", "null"] },
                "user": { "type": ["string", "null"] },
                "umask": { "type": ["string", "null"] },
                "priority": whole(), "autostart": truth(), "autorestart": text(),
                "startsecs": whole(), "startretries": whole(),
                "stopsignal": text(), "stopwaitsecs": whole(),
                "exitcodes": { "type": "array", "items": whole() },
                "notify": truth(), "watchdogsecs": whole(),
                "environment": { "type": "array", "items": text() },
                "config": object(&["file", "line"], json!({ "file": text(), "line": whole() })),
                "conf_file": { "type": ["string", "null"] },
                "logs": { "type": "object" },
                "limits": { "type": "object" },
            }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_route_and_operation_is_described_once() {
        let described = describe();
        let paths = described["paths"].as_object().unwrap();
        for spec in ROUTES.iter().filter(|spec| is_described(spec)) {
            for verb in spec.verbs {
                assert!(paths[spec.pattern][method(*verb)].is_object(), "{}", spec.pattern);
            }
        }
        for (name, _) in offered() {
            assert!(paths[&format!("/api/{name}")]["post"].is_object(), "{name}");
        }
        let ids: Vec<_> = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = describe().to_string();
        let described = describe();
        for (at, _) in text.match_indices("\"$ref\":\"#") {
            let pointer = text[at + "\"$ref\":\"#".len()..].split('"').next().unwrap();
            assert!(described.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
