//! From the simple Markdown of the pages to man(7): headings, paragraphs, lists, definitions and
//! examples.
//!
//! A page is written as
//!
//! ```text
//! # HEADING            `code`, *words to be replaced*, [a page](page.md), other(1)
//! ## Heading below     - an item        1. a step
//! term
//! :   its meaning; a second paragraph is indented as far as the first
//! ```
//!
//! and a line between two fences is an example, shown as it stands. A line that ends in `\` is
//! broken there.

/// What a line of input can be.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// A heading: a paragraph needs no macro of its own.
    Heading,
    /// Text of the page.
    Text,
    /// The body of an item or definition.
    Item,
}

/// The columns that a line of the output keeps to; mandoc warns of more than 80 bytes.
const COLUMNS: usize = 78;

/// Keeps names that are typed in one piece.
pub const NO_HYPHENS: &str = ".nh\n";

/// How far the meaning of a term is indented.
const INDENT: usize = 7;

/// Makes the body of a page of its text.
pub fn body(text: &str) -> String {
    let mut out = String::new();
    let mut before = Before::Heading;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_definition = lines.peek().is_some_and(|next| next.starts_with(":   "));
        if line.trim().is_empty() {
            continue;
        } else if let Some(heading) = line.strip_prefix("## ") {
            out += &format!(".SS {}\n", argument(heading));
            before = Before::Heading;
        } else if let Some(heading) = line.strip_prefix("# ") {
            out += &format!(".SH {}\n", argument(heading));
            before = Before::Heading;
        } else if line.trim_start().starts_with("```") {
            let item = before == Before::Item && line.starts_with(' ');
            let example: Vec<_> =
                lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            out += match (item, before) {
                (true, _) => ".IP\n.EX\n",
                (_, Before::Heading) => ".RS 4\n.EX\n",
                _ => ".PP\n.RS 4\n.EX\n",
            };
            let margin = line.len() - line.trim_start().len();
            for line in example {
                let text = code(line.get(margin..).unwrap_or(""));
                out += &format!("{}\n", guarded(&text));
            }
            out += if item { ".EE\n" } else { ".EE\n.RE\n" };
            // An example's end brings back the dividing of words.
            out += NO_HYPHENS;
            before = if item { Before::Item } else { Before::Text };
        } else if is_definition {
            out += &format!(".TP {INDENT}\n{}\n", guarded(&inline(line)));
            let first = lines.next().unwrap_or_default();
            let mut words = vec![first.trim_start_matches(':').trim()];
            words.extend(paragraph(&mut lines));
            out += &filled(&words);
            before = Before::Item;
        } else if let Some((mark, rest)) = item(line) {
            out += &format!(".IP {mark}\n");
            let mut words = vec![rest];
            words.extend(paragraph(&mut lines));
            out += &filled(&words);
            before = Before::Item;
        } else {
            out += match before {
                Before::Heading => "",
                Before::Item if line.starts_with("    ") => ".IP\n",
                _ => ".PP\n",
            };
            before = if before == Before::Item && line.starts_with("    ") {
                Before::Item
            } else {
                Before::Text
            };
            let mut words = vec![line.trim()];
            words.extend(paragraph(&mut lines));
            out += &filled(&words);
        }
    }
    out
}

/// The mark and the text of a list's item.
fn item(line: &str) -> Option<(String, &str)> {
    if let Some(rest) = line.strip_prefix("- ") {
        return Some(("\\(bu 2".to_owned(), rest));
    }
    let (number, rest) = line.split_once(". ")?;
    number.parse::<u8>().ok().map(|number| (format!("{number}. 4"), rest))
}

/// The lines that go on with a paragraph.
fn paragraph<'a>(lines: &mut std::iter::Peekable<std::str::Lines<'a>>) -> Vec<&'a str> {
    let mut more = Vec::new();
    while let Some(line) = lines.peek() {
        let ends = line.trim().is_empty()
            || line.trim_start().starts_with("```")
            || line.starts_with('#')
            || item(line).is_some();
        if ends {
            break;
        }
        more.push(line.trim());
        lines.next();
    }
    more
}

/// A paragraph in lines of the output: a new one for each sentence, as roff wants it, and where one
/// would be too long.
fn filled(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut text = String::new();
    for line in lines {
        if let Some(line) = line.strip_suffix('\\') {
            out += &broken(&format!("{text} {}", line.trim()));
            out += ".br\n";
            text.clear();
        } else {
            text += &format!(" {line}");
        }
    }
    out + &broken(&text)
}

fn broken(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    let text = inline(text.trim());
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && line.len() + 1 + word.len() > COLUMNS {
            out += &format!("{}\n", guarded(&line));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
        if word.trim_end_matches(')').ends_with(['.', '?', '!']) && !word.ends_with("...") {
            out += &format!("{}\n", guarded(&line));
            line.clear();
        }
    }
    if !line.is_empty() {
        out += &format!("{}\n", guarded(&line));
    }
    out
}

/// A line that no macro is seen in.
fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}

/// One argument of a macro.
pub fn argument(text: &str) -> String {
    let text = inline(text);
    if text.contains(' ') { format!("\"{}\"", text.replace('"', "\\(dq")) } else { text }
}

/// Marked text with roff's fonts.
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (plain, marked) = rest.split_at(at);
        let mark = &marked[..1];
        let after = &marked[1..];
        let link = after.split_once("](").and_then(|(words, rest)| {
            let (_, rest) = rest.split_once(')')?;
            (mark == "[" && !words.contains(['[', ']'])).then_some((words, rest))
        });
        let closed = (mark != "[").then(|| after.split_once(mark)).flatten();
        out += &references(plain);
        rest = match (link, closed) {
            (Some((words, rest)), _) => {
                out += &format!("\\fI{}\\fR", code(words));
                rest
            }
            (_, Some((words, rest))) if !words.is_empty() => {
                let font = if mark == "`" { 'B' } else { 'I' };
                out += &format!("\\f{font}{}\\fR", code(words));
                rest
            }
            _ => {
                out += mark;
                after
            }
        };
    }
    out + &references(rest)
}

/// Plain text, in which the names of manual pages are set off.
fn references(text: &str) -> String {
    let mut out = String::new();
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 {
            out.push(' ');
        }
        let page = word.split_once('(').and_then(|(name, rest)| {
            let (section, rest) = rest.split_once(')')?;
            let fine = !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
                && section.len() == 1
                && section.starts_with(|c: char| c.is_ascii_digit());
            fine.then(|| format!("\\fB{}\\fR({section}){}", code(name), plain(rest)))
        });
        out += &page.unwrap_or_else(|| plain(word));
    }
    out
}

fn plain(text: &str) -> String {
    text.replace('\\', "\\e").replace('~', "\\(ti").replace('^', "\\(ha")
}

/// Text that is typed as it stands: no quote becomes another, and a hyphen is a minus sign.
fn code(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out += "\\e",
            '-' => out += "\\-",
            '\'' => out += "\\(aq",
            '`' => out += "\\(ga",
            '^' => out += "\\(ha",
            '~' => out += "\\(ti",
            c => out.push(c),
        }
    }
    out
}

#[test]
fn the_output_is_what_man_expects() {
    let check = |text: &str, wanted: &str| assert_eq!(body(text), wanted, "{text}");
    check("# A B\ntext\n\nmore", ".SH \"A B\"\ntext\n.PP\nmore\n");
    check(
        "`-x`, *Y*\n:   One. Two (2).\nThree\n\n    four",
        ".TP 7\n\\fB\\-x\\fR, \\fIY\\fR\nOne.\nTwo (2).\nThree\n.IP\nfour\n",
    );
    check(
        "# A\n```\n.x 'y' \\n\n```\n",
        ".SH A\n.RS 4\n.EX\n\\&.x \\(aqy\\(aq \\en\n.EE\n.RE\n.nh\n",
    );
    check("- a\n- b\n1. c", ".IP \\(bu 2\na\n.IP \\(bu 2\nb\n.IP 1. 4\nc\n");
    check("see x(1), [l.md](l.md) [x]", "see \\fBx\\fR(1), \\fIl.md\\fR [x]\n");
    check("a \\\nb", "a\n.br\nb\n");
}
