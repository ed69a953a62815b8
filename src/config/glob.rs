//! File name patterns of `[include] files`: `*`, `?`, `[a-z]`, `[!a-z]`, as Python's `glob`.
//!
//! A star does not cross a `/`, and hidden files only match a pattern that begins with a dot.

use std::path::{Path, PathBuf};

use super::Files;

/// Every existing path that matches an absolute pattern, sorted.
pub(super) fn paths(pattern: &str, files: &dyn Files) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|directory| step(directory, part, files)).collect();
    }
    found.retain(|path| files.exists(path));
    found.sort();
    found
}

/// One part of the pattern, in one directory.
fn step(directory: &Path, part: &str, files: &dyn Files) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        return vec![directory.join(part)];
    }
    // A directory that cannot be read holds nothing, as in the reference.
    let names = files.list(directory).unwrap_or_default();
    let visible = |name: &&String| !name.starts_with('.') || part.starts_with('.');
    let matching = names.iter().filter(visible).filter(|name| matches(part, name));
    matching.map(|name| directory.join(name)).collect()
}

/// Whether a file name matches. Goes back to the last star only, so the time is at worst the
/// product of both lengths.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut rest) = (0, name.as_slice());
    let mut retry = None;
    loop {
        match (pattern.get(at), rest) {
            (Some('*'), _) => {
                at += 1;
                retry = Some((at, rest));
                continue;
            }
            (None, []) => return true,
            (Some(_), [first, after @ ..]) => {
                if let Some(width) = one(pattern.get(at..).unwrap_or_default(), *first) {
                    (at, rest) = (at + width, after);
                    continue;
                }
            }
            _ => {}
        }
        // The last star takes one sign more.
        match retry {
            Some((after_star, [_, shorter @ ..])) => {
                (at, rest) = (after_star, shorter);
                retry = Some((after_star, shorter));
            }
            _ => return false,
        }
    }
}

/// How many signs of the pattern the sign `c` uses up; `None` if it does not match.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', set @ ..] => {
            let negated = set.first() == Some(&'!');
            let set = if negated { set.get(1..)? } else { set };
            // A bracket right after the opening one belongs to the set.
            let Some(close) = set.iter().skip(1).position(|&c| c == ']').map(|at| at + 1) else {
                return (c == '[').then_some(1);
            };
            let inside = in_set(set.get(..close)?, c);
            (inside != negated).then_some(close + 2 + usize::from(negated))
        }
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

fn in_set(set: &[char], c: char) -> bool {
    match set {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&c) || in_set(rest, c),
        [one, rest @ ..] => *one == c || in_set(rest, c),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let check = |pattern, name, expected| {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        };
        check("*.conf", "a.conf", true);
        check("*.conf", "a.confx", false);
        check("*.conf", ".conf", true);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("*a*b*", "xxaxxbxx", true);
        check("*a*b*", "xxbxxaxx", false);
        check("[a-c]x", "bx", true);
        check("[a-c]x", "dx", false);
        check("[!a-c]x", "dx", true);
        check("[!a-c]x", "ax", false);
        check("[]]x", "]x", true);
        check("[x", "[x", true);
        check("[", "[", true);
        check("", "", true);
        check("*", "", true);
        check("ż*", "żółw", true);
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(50);
        assert!(!matches(&pattern, &"a".repeat(49)));
        assert!(!matches(&(pattern + "b"), &"a".repeat(5000)));
    }
}
