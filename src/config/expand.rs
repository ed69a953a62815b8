//! `%(here)s`, `%(ENV_X)s`, `%(process_num)02d`: the reference's expansions, which are Python's
//! `%` operator with a mapping on its right.

use std::borrow::Cow;
use std::collections::HashMap;

use super::problem::nearest;

/// Widths and precisions past this are refused: no value is that long.
const WIDTH_MAX: usize = 4096;

/// What can be expanded, and to what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// The daemon's environment, and what `[supervisord] environment` adds to it: `ENV_X`.
    pub env: &'a HashMap<String, String>,
    /// The directory of the file that is read: `here`.
    pub here: &'a str,
    /// The host's name: `host_node_name`.
    pub hostname: &'a str,
    /// What only a program knows.
    pub program: Option<ProgramNames<'a>>,
}

/// What a program's values can be made of, beside the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramNames<'a> {
    /// `program_name`.
    pub program_name: &'a str,
    /// `group_name`.
    pub group_name: &'a str,
    /// `process_num`.
    pub process_num: i64,
    /// `numprocs`.
    pub numprocs: i64,
    /// The program's own environment, which goes before the daemon's: `ENV_X`.
    pub environment: &'a [(String, String)],
}

/// Python distinguishes: `%d` is for numbers alone.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

impl<'a> Names<'a> {
    fn value(&self, name: &str) -> Option<Value<'a>> {
        if let Some(variable) = name.strip_prefix("ENV_") {
            let own = self.program.map_or(&[][..], |program| program.environment);
            let own = own.iter().find(|(key, _)| key == variable).map(|(_, value)| value);
            return own.or_else(|| self.env.get(variable)).map(|value| Value::Text(value));
        }
        match (name, self.program) {
            ("here", _) => Some(Value::Text(self.here)),
            ("host_node_name", _) => Some(Value::Text(self.hostname)),
            ("program_name", Some(program)) => Some(Value::Text(program.program_name)),
            ("group_name", Some(program)) => Some(Value::Text(program.group_name)),
            ("process_num", Some(program)) => Some(Value::Number(program.process_num)),
            ("numprocs", Some(program)) => Some(Value::Number(program.numprocs)),
            _ => None,
        }
    }

    fn unknown(&self, name: &str) -> String {
        if let Some(variable) = name.strip_prefix("ENV_") {
            return format!("cannot expand %({name})s: expected {variable} in the environment");
        }
        let mut known = vec!["here", "host_node_name"];
        if self.program.is_some() {
            known.extend(["program_name", "group_name", "process_num", "numprocs"]);
        }
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("cannot expand %({name})s: did you mean %({near})s?"),
            None => format!(
                "cannot expand %({name})s: expected one of {}, or ENV_X for the variable X",
                known.join(", ")
            ),
        }
    }
}

/// Makes every expansion in `text`.
///
/// # Errors
/// In words: a name that is not known, or a `%` that begins nothing.
pub(super) fn expand<'t>(text: &'t str, names: &Names<'_>) -> Result<Cow<'t, str>, String> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('%') {
        out.push_str(plain);
        rest = match after.strip_prefix('%') {
            Some(after) => {
                out.push('%');
                after
            }
            None => conversion(after, names, &mut out)?,
        };
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Expands one `(name)` with its format into `out`; gives what follows it.
fn conversion<'t>(after: &'t str, names: &Names<'_>, out: &mut String) -> Result<&'t str, String> {
    let bad = || {
        let shown: String = after.chars().take(20).collect();
        format!("\"%{shown}\" is not an expansion: expected %(name)s, or %% for a percent sign")
    };
    let (name, spec) =
        after.strip_prefix('(').and_then(|after| after.split_once(')')).ok_or_else(bad)?;
    let value = names.value(name).ok_or_else(|| names.unknown(name))?;

    let flags = take_while(spec, |c| "#0- +".contains(c));
    let width = take_while(flags.1, |c| c.is_ascii_digit());
    let precision = match width.1.strip_prefix('.') {
        Some(digits) => {
            let (digits, rest) = take_while(digits, |c| c.is_ascii_digit());
            (Some(size(digits).ok_or_else(bad)?), rest)
        }
        None => (None, width.1),
    };
    let rest = precision.1.trim_start_matches(['h', 'l', 'L']);
    let mut chars = rest.chars();
    let kind = chars.next().ok_or_else(bad)?;
    let format =
        Format { flags: flags.0, width: size(width.0).ok_or_else(bad)?, precision: precision.0 };
    match (kind, value) {
        ('%', _) => out.push('%'),
        ('s', Value::Text(text)) => format.text(text, out),
        ('s', Value::Number(number)) => format.text(&number.to_string(), out),
        ('d' | 'i' | 'u', Value::Number(number)) => format.number(number, out),
        ('d' | 'i' | 'u', Value::Text(_)) => {
            return Err(format!("%({name}){kind} is for numbers: expected %({name})s"));
        }
        _ => {
            return Err(format!("%({name}){kind} has no meaning here: expected %({name})s"));
        }
    }
    Ok(chars.as_str())
}

fn take_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// A width or precision; nothing counts as 0.
fn size(digits: &str) -> Option<usize> {
    if digits.is_empty() {
        return Some(0);
    }
    digits.parse().ok().filter(|&size| size <= WIDTH_MAX)
}

struct Format<'a> {
    flags: &'a str,
    width: usize,
    precision: Option<usize>,
}

impl Format<'_> {
    fn text(&self, text: &str, out: &mut String) {
        let shown: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
        let width = self.width;
        out.push_str(&if self.flags.contains('-') {
            format!("{shown:<width$}")
        } else {
            format!("{shown:>width$}")
        });
    }

    fn number(&self, number: i64, out: &mut String) {
        let sign = match number {
            ..0 => "-",
            _ if self.flags.contains('+') => "+",
            _ if self.flags.contains(' ') => " ",
            _ => "",
        };
        let left = self.flags.contains('-');
        let zeros = if self.flags.contains('0') && !left { self.width } else { 0 };
        let digits = self.precision.unwrap_or(0).max(zeros.saturating_sub(sign.len()));
        let shown = format!("{sign}{:0>digits$}", number.unsigned_abs());
        Self { flags: self.flags, width: self.width, precision: None }.text(&shown, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, process_num: i64) -> Result<String, String> {
        let env = HashMap::from([
            ("HOME".to_owned(), "/root".to_owned()),
            ("A".to_owned(), "daemon".to_owned()),
        ]);
        let environment = [("A".to_owned(), "own".to_owned())];
        let program = ProgramNames {
            program_name: "web",
            group_name: "all",
            process_num,
            numprocs: 12,
            environment: &environment,
        };
        let names = Names { env: &env, here: "/etc", hostname: "node", program: Some(program) };
        expand(text, &names).map(Cow::into_owned)
    }

    #[test]
    fn formats_are_pythons() {
        let check = |text: &str, expected: &str| {
            assert_eq!(expanded(text, 7).as_deref(), Ok(expected), "{text}");
        };
        check("plain", "plain");
        check("100%%", "100%");
        check("%%(here)s", "%(here)s");
        check("%(here)s/x", "/etc/x");
        check("%(ENV_HOME)s", "/root");
        check("%(ENV_A)s", "own");
        check("%(host_node_name)s.%(group_name)s.%(program_name)s", "node.all.web");
        check("%(process_num)s", "7");
        check("%(process_num)d of %(numprocs)d", "7 of 12");
        check("%(process_num)02d", "07");
        check("%(process_num)5d|", "    7|");
        check("%(process_num)-5d|", "7    |");
        check("%(process_num)-05d|", "7    |");
        check("%(process_num)+d", "+7");
        check("%(process_num) d", " 7");
        check("%(process_num)+03d", "+07");
        check("%(process_num).3d", "007");
        check("%(process_num)6.3d", "   007");
        check("%(process_num)li", "7");
        check("%(program_name)05s", "  web");
        check("%(program_name).2s", "we");
        check("%(program_name)-5s|", "web  |");
        check("%(here)%", "%");
        assert_eq!(expanded("%(process_num)03d", -7).as_deref(), Ok("-07"));
    }

    #[test]
    fn what_cannot_be_expanded_is_explained() {
        let check = |text: &str, part: &str| {
            let message = expanded(text, 0).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        };
        check("%(her)s", "did you mean %(here)s?");
        check("%(nothing_like_it)s", "expected one of here, host_node_name, program_name");
        check("%(ENV_NONE)s", "expected NONE in the environment");
        check("date +%Y", "expected %(name)s, or %% for a percent sign");
        check("date +%s", "expected %(name)s");
        check("50%", "expected %(name)s");
        check("%(here)", "expected %(name)s");
        check("%(here", "expected %(name)s");
        check("%(here)d", "is for numbers");
        check("%(process_num)q", "has no meaning here");
        check("%(process_num)99999999999999999999d", "expected %(name)s");
    }
}
