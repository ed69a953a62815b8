//! Every operation and every failure, against a core of straw.

use super::process::structure;
use super::{Access, error, operations};
use crate::core::Command;
use crate::model::{ErrorKind, Notice, ProcessInfo, Role, StateCode, SupervisorState};
use crate::xmlrpc::Value;
use fake::{Fake, process};

mod commands;
pub(crate) mod fake;
mod reads;

/// A lone process that runs, and a group of one that runs and one that does not.
fn fleet() -> Vec<ProcessInfo> {
    let states =
        [("cat", StateCode::Running), ("g:a", StateCode::Running), ("g:b", StateCode::Stopped)];
    states.map(|(name, state)| process(name, state)).into()
}

fn text(text: &str) -> Value {
    text.into()
}

/// A value as a test writes it: `5`, `0.5`, `true`, `[]`; `'5'` and anything else is a string.
fn value(word: &str) -> Value {
    if let Ok(number) = word.parse::<i64>() {
        Value::Int(number)
    } else if let Ok(number) = word.parse::<f64>() {
        Value::Double(number)
    } else {
        match word {
            "true" | "false" => Value::Bool(word == "true"),
            "[]" => Value::Array(Vec::new()),
            _ => text(word.trim_matches('\'')),
        }
    }
}

/// The answer to a call written as `method value value`; `supervisor.` may be left out.
async fn ask(fake: &Fake, call: &str) -> Result<Value, String> {
    let mut words = call.split_whitespace();
    let method = words.next().unwrap();
    let method =
        if method.contains('.') { method.to_owned() } else { format!("supervisor.{method}") };
    ask_with(fake, &method, words.map(value).collect()).await
}

/// Faults become `number TEXT`.
async fn ask_with(fake: &Fake, method: &str, values: Vec<Value>) -> Result<Value, String> {
    let answer = fake.api.dispatch(method, values).await;
    answer.map_err(|why| format!("{} {}", error::row(why.kind).fault, error::text(&why)))
}

/// The text of a string.
fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is no string"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value:?} is no array"))
}

fn keys(value: &Value) -> String {
    let Value::Struct(members) = value else { panic!("{value:?} is no struct") };
    let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.join(" ")
}

/// One member of each struct of an array, as text.
fn column(value: &Value, key: &str) -> Vec<String> {
    let cells = list(value).iter().map(|row| row.member(key).unwrap());
    cells.map(|cell| plain(cell).to_owned()).collect()
}

#[test]
fn the_table_is_whole() {
    for entry in operations::OPERATIONS {
        let spec = entry.spec;
        assert!(spec.help.trim().ends_with('.'), "{}: help is sentences", spec.name);
        let defaults = spec.params.iter().map(|param| param.default.is_some());
        assert!(defaults.is_sorted(), "{}: defaults come last", spec.name);
    }
    let mut names: Vec<_> = operations::names().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name stands for one thing");
}

/// As `system.listMethods` and `system.methodSignature` of Supervisor 4.3.0 tell them, and ours.
#[tokio::test]
async fn methods_and_signatures_are_the_references() {
    let wanted = "\
        addProcessGroup boolean string
        clearAllProcessLogs array
        clearLog boolean
        clearProcessLog boolean string
        clearProcessLogs boolean string
        getAPIVersion string
        getAllConfigInfo array
        getAllProcessInfo array
        getIdentification string
        getPID int
        getProcessInfo struct string
        getState struct
        getSupervisorVersion string
        getVersion string
        readLog string int int
        readMainLog string int int
        readProcessLog string string int int
        readProcessStderrLog string string int int
        readProcessStdoutLog string string int int
        reloadConfig array
        removeProcessGroup boolean string
        restart boolean
        restartProcess boolean string boolean
        restartProcessGroup array string boolean
        sendProcessStdin boolean string string
        sendRemoteCommEvent boolean string string
        shutdown boolean
        signalAllProcesses array string
        signalProcess boolean string string
        signalProcessGroup array string string
        startAllProcesses array boolean
        startProcess boolean string boolean
        startProcessGroup array string boolean
        stopAllProcesses array boolean
        stopProcess boolean string boolean
        stopProcessGroup array string boolean
        tailProcessLog array string int int
        tailProcessStderrLog array string int int
        tailProcessStdoutLog array string int int
        update array
        system.listMethods array
        system.methodHelp string string
        system.methodSignature array string
        system.multicall array array";
    let fake = Fake::new(&[]);
    let mut lines = Vec::new();
    for method in list(&ask(&fake, "system.listMethods").await.unwrap()) {
        let method = plain(method);
        let signature = ask(&fake, &format!("system.methodSignature {method}")).await;
        let types: Vec<_> = list(&signature.unwrap()).iter().map(|t| plain(t).to_owned()).collect();
        let name = method.trim_start_matches("supervisor.");
        lines.push(format!("{name} {}", types.join(" ")));
        let help = ask(&fake, &format!("system.methodHelp {method}")).await.unwrap();
        assert!(plain(&help).contains("@return "), "{method:?}");
    }
    assert_eq!(lines, wanted.lines().map(str::trim).collect::<Vec<_>>());
    for call in ["system.methodHelp nope", "system.methodSignature 5"] {
        assert_eq!(ask(&fake, call).await.unwrap_err(), "4 SIGNATURE_UNSUPPORTED");
    }
}

#[tokio::test]
async fn a_role_may_what_its_access_says_and_nothing_else() {
    let fake = Fake::new(&fleet());
    for role in Role::ALL {
        let api = fake.api.for_role(role);
        for entry in operations::OPERATIONS {
            let spec = entry.spec;
            let needed = match spec.access {
                Access::Look | Access::ReadLogs | Access::Carry => Role::Viewer,
                Access::ManageProcesses => Role::Operator,
                Access::ManageDaemon => Role::Admin,
            };
            if role >= needed {
                assert_eq!(api.admit(spec), Ok(()), "{} as {role}", spec.name);
                continue;
            }
            let values: Vec<_> = spec.params.iter().map(|_| text("1")).collect();
            let refused = api.dispatch(spec.name, values.clone()).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::AccessDenied, "{} as {role}", spec.name);
            // Nor by way of many calls in one.
            let call =
                structure([("methodName", text(spec.name)), ("params", Value::Array(values))]);
            let many = api.dispatch("system.multicall", vec![Value::Array(vec![call])]).await;
            let fault = format!("{many:?}");
            assert!(fault.contains("ACCESS_DENIED"), "{} as {role}: {fault}", spec.name);
        }
    }
    assert_eq!(fake.commands(), []);
}

#[tokio::test]
async fn while_everything_stops_only_the_system_answers() {
    let fake = Fake::new(&fleet());
    for state in [SupervisorState::Shutdown, SupervisorState::Restarting] {
        fake.change(|snapshot| snapshot.state = state);
        for entry in operations::OPERATIONS {
            let spec = entry.spec;
            let values = spec.params.iter().map(|_| text("1")).collect();
            let refused =
                fake.api.dispatch(spec.name, values).await == Err(ErrorKind::ShutdownState.into());
            let answers = spec.name.starts_with("system.") || spec.name.ends_with("CommEvent");
            assert_eq!(refused, !answers, "{} in {state:?}", spec.name);
        }
        // The number of values is looked at before, their types after.
        let answer = async |call| ask(&fake, call).await.unwrap_err();
        assert_eq!(answer("startProcess x x x").await, "2 INCORRECT_PARAMETERS");
        assert_eq!(answer("startProcess 5").await, "6 SHUTDOWN_STATE");
        let typed = fake.api.call(operations::GetPid {}).await;
        assert_eq!(typed, Err(ErrorKind::ShutdownState.into()));
    }
    // Events are sent on, to whoever is left.
    let sent = Command::SendEvent { notice: Notice::remote("1", "1") };
    assert_eq!(fake.commands(), [sent.clone(), sent]);
}

#[tokio::test]
async fn many_calls_in_one() {
    let fake = Fake::new(&fleet());
    let call = |method: &str, params: &[Value]| {
        let params = ("params".to_owned(), Value::Array(params.to_vec()));
        Value::Struct(vec![("methodName".to_owned(), text(method)), params])
    };
    let calls = vec![
        Value::Struct(vec![("methodName".to_owned(), text("supervisor.getVersion"))]),
        call("system.multicall", &[]),
        Value::Struct(vec![]),
        call("nope", &[]),
        call("supervisor.getState", &[1.into()]),
        Value::Struct(vec![
            ("methodName".to_owned(), text("supervisor.getPID")),
            ("params".to_owned(), 5.into()),
        ]),
        5.into(),
        call("supervisor.startProcess", &[text("cat")]),
    ];
    let many = |calls| ask_with(&fake, "system.multicall", vec![Value::Array(calls)]);
    let results = many(calls).await.unwrap();
    let results = list(&results).iter().map(|result| match result.member("faultString") {
        Some(why) => {
            let code = result.member("faultCode").and_then(Value::as_int);
            format!("{} {}", code.unwrap(), plain(why))
        }
        None => format!("{result:?}"),
    });
    assert_eq!(
        results.collect::<Vec<_>>(),
        [
            "String(\"3.0\")",
            "2 INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
            "2 INCORRECT_PARAMETERS: No methodName",
            "1 UNKNOWN_METHOD",
            "2 INCORRECT_PARAMETERS",
            "2 INCORRECT_PARAMETERS",
            "2 INCORRECT_PARAMETERS: a call is a struct",
            "Bool(true)",
        ]
    );
    assert_eq!(fake.commands().len(), 1);

    let calls = vec![call("supervisor.getPID", &[]); super::system::CALLS_MAX + 1];
    let refused = many(calls).await.unwrap_err();
    assert!(refused.starts_with("2 INCORRECT_PARAMETERS: more than 1000"), "{refused}");
}

#[test]
fn the_page_on_xml_rpc_lists_every_method() {
    let page = include_str!("../../../docs/xmlrpc.md");
    let mut rows = String::new();
    for entry in operations::OPERATIONS {
        let spec = entry.spec;
        let params = spec.params.iter().map(|param| {
            let default = param.default.map(|value| format!(" = {value}"));
            format!("{} {}{}", param.kind.name(), param.name, default.unwrap_or_default())
        });
        let params = params.collect::<Vec<_>>().join(", ");
        let aliases = spec.aliases.iter().map(|alias| format!(" Also `{alias}`."));
        rows.push_str(&format!(
            "| `{}({params})` | {} | {}{} |\n",
            spec.name,
            spec.returns.name(),
            spec.help.split_whitespace().collect::<Vec<_>>().join(" "),
            aliases.collect::<String>()
        ));
    }
    assert!(page.contains(&rows), "docs/xmlrpc.md must hold this table:\n{rows}");
}
