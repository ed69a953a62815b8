//! How ochinchina/supervisord reads values: what it makes of them where that is not what is made of
//! them here.

use super::rule::{At, directory};
use crate::config::{environment, glob, setting};

/// Names that a message lists; past it the rest is left out.
const NAMES_MAX: usize = 3;

/// `KEY=value,KEY="value"`: everything up to the next comma or quote is the value.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=').filter(|(_, after)| !after.is_empty()) {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((value, next)) => (Some(value), next.strip_prefix(',')),
                None => (None, None),
            },
            None => match after.split_once(',') {
                Some((value, next)) => (Some(value), Some(next)),
                None => (Some(after), None),
            },
        };
        if let Some(value) = value {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            pairs.retain(|(known, _)| *known != key);
            pairs.push((key, value));
        }
        match next {
            Some(next) => rest = next,
            None => break,
        }
    }
    pairs
}

/// The names of variables that get another value there, or none.
pub(super) fn other_variables(at: &At<'_>) -> Option<String> {
    let here = environment::pairs(at.value).ok()?;
    let there = pairs(at.value);
    let other = |(name, value): &&(String, String)| {
        !there.iter().any(|(known, said)| known == name && said == value)
    };
    listed(here.iter().filter(other).map(|(name, _)| name.clone()))
}

/// Variables that `user=` replaces there, whatever `environment=` says.
pub(super) fn overridden_variables(at: &At<'_>) -> Option<String> {
    at.other("user").filter(|user| !user.is_empty())?;
    let names = ["HOME", "USER", "LOGNAME", "PATH"];
    let here = environment::pairs(at.value).ok()?;
    listed(here.into_iter().map(|(name, _)| name).filter(|name| names.contains(&name.as_str())))
}

/// Files that a pattern of `[include]` finds there and not here: only the last part of it is a
/// pattern there, hidden files are not passed over, and a name need match in a part of it only.
pub(super) fn more_files(at: &At<'_>) -> Option<String> {
    let files = at.scene.files;
    let here = directory(&at.origin.source);
    let mut more = Vec::new();
    for pattern in at.value.split_whitespace() {
        let pattern = pattern.replace("%(here)s", here);
        let (parent, last) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
        let parent = std::path::Path::new(here).join(parent);
        let full = parent.join(last).display().to_string();
        let read = glob::paths(&full, files);
        let mut names = files.list(&parent).unwrap_or_default();
        names.sort();
        let found = names.into_iter().filter(|name| glob::matches(&format!("*{last}*"), name));
        more.extend(found.filter(|name| !read.contains(&parent.join(name))));
    }
    listed(more.into_iter())
}

/// Words of a command that keep their quotes there: those that begin before the quote does.
pub(super) fn has_inner_quotes(at: &At<'_>) -> bool {
    let (mut quote, mut in_word) = (None, false);
    for c in at.value.chars() {
        match (quote, c) {
            (Some(open), c) => {
                if c == open {
                    (quote, in_word) = (None, false);
                }
            }
            (None, '"' | '\'') if in_word => return true,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) => in_word = !c.is_whitespace(),
        }
    }
    false
}

/// Whether a stop signal is TERM there because it is not understood: only whole names in capitals
/// are.
pub(super) fn is_no_signal(at: &At<'_>) -> bool {
    let known = |word: &str| {
        let name = word.strip_prefix("SIG").unwrap_or(word);
        name.chars().all(|c| c.is_ascii_uppercase() || c == '1' || c == '2')
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && !name.starts_with("RT")
    };
    at.value.split_whitespace().any(|word| !known(word))
}

/// What a boolean is here, where it is not understood there: only `true`, `t`, `1` and their
/// opposites in the common cases are.
pub(super) fn other_boolean(at: &At<'_>, default: bool) -> Option<String> {
    let understood = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false"];
    let here = setting::boolean(at.value).ok()?;
    let differs = !understood.contains(&at.value) && at.value != "False" && here != default;
    differs.then(|| here.to_string())
}

/// Whether a size has a unit that is not understood there.
pub(super) fn is_no_size(at: &At<'_>) -> bool {
    let lower = at.value.to_lowercase();
    let unit = ["kb", "mb", "gb"].into_iter().find(|unit| lower.ends_with(unit));
    unit.is_some_and(|unit| !at.value.ends_with(&unit.to_uppercase()))
        && setting::byte_size(at.value).is_ok()
}

fn listed(names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<_> = names.collect();
    let shown = names.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        count if count > NAMES_MAX => Some(format!("{shown} and {} more", count - NAMES_MAX)),
        _ => Some(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_cut_at_commas_and_quotes() {
        let read = |text: &str| {
            let pairs = pairs(text);
            pairs
                .iter()
                .map(|(name, value)| format!("{name}:{value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(read(r#"A="a, b",B=c d, C = e"#), "A:a, b B:c d C:e");
        assert_eq!(read("A='x',B="), "A:'x'");
        assert_eq!(read("U=http://x/?a=b,A=1,A=2"), "U:http://x/?a=b A:2");
        assert_eq!(read("A=\"open"), "");
        assert_eq!(read(""), "");
    }
}
