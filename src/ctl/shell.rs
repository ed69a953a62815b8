//! The interactive shell: prompt, history, completion. It ends with 0, as the reference's does.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::runtime::Runtime;

use super::client::{Client, Failure};
use super::command::{Controller, Flow};
use super::help::{self, Completes};
use super::process::{identity, text};

/// Lines of history that are kept; the oldest go first.
const HISTORY_LINES_MAX: usize = 1000;

type Terminal<'a> = Editor<Completion<'a>, FileHistory>;

/// Reads and runs lines until `exit`, the end of input or Ctrl-C.
///
/// # Errors
/// If the terminal cannot be used.
pub fn run(
    controller: &mut Controller,
    runtime: &Runtime,
    prompt: &str,
    history: Option<&Path>,
) -> Result<(), Failure> {
    let prompt = format!("{prompt}> ");
    let mut terminal = if stdin().is_terminal() {
        Some(open_terminal(controller, runtime, history)?)
    } else {
        None
    };
    let mut line = "status".to_owned();
    let outcome = loop {
        match runtime.block_on(controller.run(&line)) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Leave) => break Ok(()),
            Err(Failure::Interrupted) => break Ok(controller.screen.line("")?),
            Err(failure) => break Err(failure),
        }
        let next = match &mut terminal {
            Some(terminal) => ask(terminal, &controller.client, &prompt)?,
            None => {
                controller.screen.prompt(&prompt)?;
                Next::Line(runtime.block_on(controller.input.line())?.unwrap_or("EOF".to_owned()))
            }
        };
        match next {
            Next::Line(next) => line = next,
            Next::Interrupted => break Ok(controller.screen.line("")?),
        }
    };
    if let (Some(terminal), Some(history)) = (&mut terminal, history) {
        // As in the reference, a history that cannot be kept is no failure.
        let _ = terminal.save_history(history);
    }
    outcome
}

enum Next {
    Line(String),
    Interrupted,
}

fn open_terminal<'a>(
    controller: &Controller,
    runtime: &'a Runtime,
    history: Option<&Path>,
) -> Result<Terminal<'a>, Failure> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_LINES_MAX)
        .map_err(broken)?
        .build();
    let mut terminal = Editor::with_config(config).map_err(broken)?;
    terminal.set_helper(Some(Completion::new(controller.client.clone(), runtime)));
    if let Some(history) = history {
        // There is none before the first time.
        let _ = terminal.load_history(history);
    }
    Ok(terminal)
}

fn ask(terminal: &mut Terminal<'_>, client: &Client, prompt: &str) -> Result<Next, Failure> {
    if let Some(helper) = terminal.helper_mut() {
        *helper = Completion::new(client.clone(), helper.runtime);
    }
    match terminal.readline(prompt) {
        Ok(line) => {
            if !line.trim().is_empty() {
                let _ = terminal.add_history_entry(line.as_str());
            }
            Ok(Next::Line(line))
        }
        Err(ReadlineError::Eof) => Ok(Next::Line("EOF".to_owned())),
        Err(ReadlineError::Interrupted) => Ok(Next::Interrupted),
        Err(error) => Err(broken(error)),
    }
}

fn broken(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => Failure::Terminal(error),
        error => Failure::Terminal(std::io::Error::other(error)),
    }
}

/// Completes names of commands, groups and processes.
struct Completion<'a> {
    client: Client,
    runtime: &'a Runtime,
    /// Asked for once a line, when Tab is first pressed.
    names: RefCell<Option<Names>>,
}

#[derive(Clone, Default)]
struct Names {
    groups: BTreeSet<String>,
    processes: BTreeSet<String>,
}

impl<'a> Completion<'a> {
    fn new(client: Client, runtime: &'a Runtime) -> Self {
        Self { client, runtime, names: RefCell::new(None) }
    }

    fn names(&self) -> Names {
        let mut names = self.names.borrow_mut();
        names.get_or_insert_with(|| self.fetch()).clone()
    }

    /// Nothing to offer where nobody answers: the command itself will say so.
    fn fetch(&self) -> Names {
        let answer = self.runtime.block_on(self.client.call("getAllProcessInfo", &[]));
        let Ok(processes) = answer else { return Names::default() };
        let mut names = Names::default();
        for info in processes.as_array().unwrap_or_default() {
            let (id, group) = (identity(info), text(info, "group"));
            if *id.group != *id.name {
                names.processes.insert(format!("{group}:*"));
            }
            names.processes.insert(id.to_string());
            names.groups.insert(group.to_owned());
        }
        names
    }

    fn candidates(&self, before: &str) -> Vec<String> {
        match before.split_whitespace().next() {
            None => help::SPECS.iter().map(|spec| spec.name.to_owned()).collect(),
            Some(command) => match help::find(command).map(|spec| spec.completes) {
                Some(Completes::Commands) => self.candidates(""),
                Some(Completes::Groups) => self.names().groups.into_iter().collect(),
                Some(Completes::Processes) => self.names().processes.into_iter().collect(),
                Some(Completes::Nothing) | None => Vec::new(),
            },
        }
    }
}

impl Helper for Completion<'_> {}
impl Highlighter for Completion<'_> {}
impl Validator for Completion<'_> {}
impl Hinter for Completion<'_> {
    type Hint = String;
}

impl Completer for Completion<'_> {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..at).unwrap_or(line);
        let start = typed.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let (before, word) = typed.split_at(start);
        let mut candidates = self.candidates(before);
        candidates.retain(|candidate| candidate.starts_with(word));
        for candidate in &mut candidates {
            candidate.push(' ');
        }
        Ok((start, candidates))
    }
}
