//! From a `command=` line to a file and its arguments.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::core::event::{SpawnFailure, SpawnFailureKind};

/// Where a command without a slash is looked for if nothing sets `PATH` (the reference's list).
pub const PATH_DEFAULT: &str = "/bin:/usr/bin:/usr/local/bin";

/// A command line that can be executed, as far as can be told before trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The file to execute.
    pub file: PathBuf,
    /// Its arguments, the first as it was written.
    pub arguments: Vec<String>,
}

/// Splits `command`, finds its file through `path` (colon-separated) and checks it.
///
/// A name with a slash is checked as it stands, against the daemon's own directory.
///
/// # Errors
/// The reference's sentences: the line cannot be split or is empty, the file is not there, is a
/// directory or may not be executed.
pub fn resolve(command: &str, path: &str) -> Result<Resolved, SpawnFailure> {
    let not_executable = |reason| SpawnFailure { kind: SpawnFailureKind::NotExecutable, reason };
    let arguments = split(command)
        .map_err(|why| not_executable(format!("can't parse command {}: {why}", quoted(command))))?;
    let Some(program) = arguments.first() else {
        return Err(not_executable("command is empty".to_owned()));
    };
    // The first entry that exists is taken, executable or not.
    let found = if program.contains('/') {
        Some(PathBuf::from(program))
    } else {
        path.split(':').map(|dir| Path::new(dir).join(program)).find(|file| file.exists())
    };
    let file = found.unwrap_or_else(|| PathBuf::from(program));
    let name = quoted(&file.to_string_lossy());
    let Ok(found) = file.metadata() else {
        let reason = format!("can't find command {name}");
        return Err(SpawnFailure { kind: SpawnFailureKind::NoFile, reason });
    };
    if found.is_dir() {
        return Err(not_executable(format!("command at {name} is a directory")));
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err(not_executable(format!("command at {name} is not executable")));
    }
    if access(&file, AccessFlags::X_OK).is_err() {
        return Err(not_executable(format!("no permission to run command {name}")));
    }
    Ok(Resolved { file, arguments })
}

/// Where [`split`] is within a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Word,
    Quote(char),
    /// After a backslash; the quote it stands in, if any.
    Escape(Option<char>),
}

/// Splits a line into words as a POSIX shell would, without expansions, operators or comments.
///
/// # Errors
/// The line ends within a quote or after a backslash.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut place = Place::Between;
    for c in line.chars() {
        place = match (place, c) {
            (Place::Between, ' ' | '\t' | '\r' | '\n') => Place::Between,
            (Place::Word, ' ' | '\t' | '\r' | '\n') => {
                words.push(std::mem::take(&mut word));
                Place::Between
            }
            (Place::Between | Place::Word, '\'' | '"') => Place::Quote(c),
            (Place::Between | Place::Word, '\\') => Place::Escape(None),
            (Place::Quote(quote), _) if c == quote => Place::Word,
            (Place::Quote('"'), '\\') => Place::Escape(Some('"')),
            (Place::Escape(Some(quote)), _) => {
                // Within a quote, a backslash only escapes itself and the quote.
                if c != '\\' && c != quote {
                    word.push('\\');
                }
                word.push(c);
                Place::Quote(quote)
            }
            (Place::Between | Place::Word | Place::Escape(None), _) => {
                word.push(c);
                Place::Word
            }
            (Place::Quote(_), _) => {
                word.push(c);
                place
            }
        };
    }
    match place {
        Place::Between => {}
        Place::Word => words.push(word),
        Place::Quote(_) => return Err("No closing quotation"),
        Place::Escape(_) => return Err("No escaped character"),
    }
    Ok(words)
}

/// Text in quotes as the reference's messages show it: single ones, unless only those are within.
#[must_use]
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if c == quote => shown.extend(['\\', c]),
            // Writing to a String cannot fail.
            _ if c.is_control() => _ = write!(shown, "\\x{:02x}", u32::from(c)),
            _ => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_a_shell_splits_them() {
        let check = |line: &str, words: &[&str]| {
            assert_eq!(split(line).unwrap(), words, "{line:?}");
        };
        check("", &[]);
        check(" \t\r\n ", &[]);
        check("a b", &["a", "b"]);
        check("  a\tb\nc ", &["a", "b", "c"]);
        check("'a b' \"c d\"", &["a b", "c d"]);
        check("a'b'\"c\"d", &["abcd"]);
        check("'' \"\"", &["", ""]);
        check(r"a\ b \'c", &["a b", "'c"]);
        check(r#""a\"b" "a\\b" "a\b" "a\'b""#, &["a\"b", "a\\b", "a\\b", "a\\'b"]);
        check(r"'a\b' 'a\'", &[r"a\b", r"a\"]);
        check("a#b # c; d|e >f &", &["a#b", "#", "c;", "d|e", ">f", "&"]);
        check("bash -c 'echo \"$A\"; exec x'", &["bash", "-c", "echo \"$A\"; exec x"]);
        check("é ü'ß'", &["é", "üß"]);
        check("a\\\nb", &["a\nb"]);
        for (line, why) in [
            ("'a", "No closing quotation"),
            ("a \"b", "No closing quotation"),
            ("a\\", "No escaped character"),
            ("\"a\\", "No escaped character"),
        ] {
            assert_eq!(split(line), Err(why), "{line:?}");
        }
    }

    #[test]
    fn text_is_quoted_as_the_reference_quotes_it() {
        let check = |text: &str, shown: &str| assert_eq!(quoted(text), shown);
        check("a b", "'a b'");
        check("it's", "\"it's\"");
        check("'\"", "'\\'\"'");
        check("a\\b\n\t\x01é", "'a\\\\b\\n\\t\\x01é'");
    }

    #[test]
    fn what_cannot_be_executed_is_told_in_the_references_words() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().to_str().unwrap();
        std::fs::write(dir.path().join("plain"), "").unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        let check = |command: &str, kind, reason: String| {
            let failure = resolve(command, at).unwrap_err();
            assert_eq!(failure, SpawnFailure { kind, reason }, "{command}");
        };
        use SpawnFailureKind::{NoFile, NotExecutable};
        let unclosed = "can't parse command \"a 'b\": No closing quotation";
        check("a 'b", NotExecutable, unclosed.to_owned());
        check(" ", NotExecutable, "command is empty".to_owned());
        check("nope -x", NoFile, "can't find command 'nope'".to_owned());
        check("/nope/nope", NoFile, "can't find command '/nope/nope'".to_owned());
        check("sub", NotExecutable, format!("command at '{at}/sub' is a directory"));
        check("''", NotExecutable, format!("command at '{at}/' is a directory"));
        check("plain 1", NotExecutable, format!("command at '{at}/plain' is not executable"));
    }

    #[test]
    fn the_first_match_of_the_path_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("sh"), "").unwrap();
        let shadowed = format!("/nope:{}:/bin", dir.path().display());
        assert!(resolve("sh", &shadowed).unwrap_err().reason.ends_with("is not executable"));
        let found = resolve("sh -c 'exit 3'", "/nope:/bin").unwrap();
        assert_eq!(found.file, Path::new("/bin/sh"));
        assert_eq!(found.arguments, ["sh", "-c", "exit 3"]);
    }
}
