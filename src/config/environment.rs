//! `environment=KEY="value",KEY2=value`: split into words as the reference does it.
//!
//! The reference gives the value to Python's `shlex` in its old, not POSIX mode: a quote inside a
//! word is part of the word, `\` is an ordinary sign, `#` hides the rest of a line.

/// Reads `KEY=value` pairs, in order; a later one of the same name replaces the value in place.
///
/// # Errors
/// In words: a quote that is not closed, or words that do not come as `KEY`, `=`, `value`.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let words = words(text)?;
    let mut pairs = Vec::with_capacity(words.len().div_ceil(4));
    // Each fourth word divides the pairs; the reference does not ask what it is.
    for pair in words.chunks(4) {
        let [key, equals, value, ..] = pair else {
            return Err(expected(pair));
        };
        if equals != "=" {
            return Err(expected(pair));
        }
        set(&mut pairs, key, value.trim_matches(['\'', '"']));
    }
    Ok(pairs)
}

/// `over` laid over `under`, by name: the order in the file means nothing, so that a change of it
/// is none of the program's.
pub(super) fn merged(
    under: &[(String, String)],
    over: &[(String, String)],
) -> Vec<(String, String)> {
    let mut all = Vec::with_capacity(under.len() + over.len());
    all.extend_from_slice(under);
    for (key, value) in over {
        set(&mut all, key, value);
    }
    all.sort();
    all
}

fn set(pairs: &mut Vec<(String, String)>, key: &str, value: &str) {
    match pairs.iter_mut().find(|(known, _)| known == key) {
        Some((_, known)) => value.clone_into(known),
        None => pairs.push((key.to_owned(), value.to_owned())),
    }
}

fn expected(found: &[String]) -> String {
    format!(
        "cannot read {:?} as an environment variable: expected KEY=\"value\", with a comma between",
        found.join(" ")
    )
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Words, quoted words with their quotes, and every other sign by itself.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut word = String::from(first);
        match first {
            c if is_space(c) => continue,
            '#' => {
                chars.by_ref().find(|&c| c == '\n');
                continue;
            }
            quote @ ('"' | '\'') => loop {
                let c = chars
                    .next()
                    .ok_or_else(|| format!("{word} has no closing quote: expected {quote}"))?;
                word.push(c);
                if c == quote {
                    break;
                }
            },
            c if is_word(c) => {
                while let Some(&c) = chars.peek() {
                    if c == '#' {
                        chars.by_ref().find(|&c| c == '\n');
                        continue;
                    }
                    if !is_word(c) && c != '"' && c != '\'' {
                        break;
                    }
                    word.push(c);
                    chars.next();
                }
            }
            _ => {}
        }
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_the_reference_reads_them() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let read = pairs(text).unwrap();
            let read: Vec<_> = read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(read, expected, "{text:?}");
        };
        check("", &[]);
        check("A=1", &[("A", "1")]);
        check("A=1,", &[("A", "1")]);
        check("A=\"a b\",B='c,d'", &[("A", "a b"), ("B", "c,d")]);
        check("A=\"'q'\"", &[("A", "q")]);
        check("A = 1 , B = 2", &[("A", "1"), ("B", "2")]);
        check("A=1;B=2", &[("A", "1"), ("B", "2")]);
        check("A=1,\nB=2", &[("A", "1"), ("B", "2")]);
        check("A=1,A=2", &[("A", "2")]);
        check("A=/bin:/usr/bin,B=x-y.z+1(2)", &[("A", "/bin:/usr/bin"), ("B", "x-y.z+1(2)")]);
        check("A=b\"c\"", &[("A", "b\"c")]);
        check("A=\"\"", &[("A", "")]);
        check("A=\"back\\slash\"", &[("A", "back\\slash")]);
        check("A=1#x\n,B=2", &[("A", "1"), ("B", "2")]);
        check("A=@", &[("A", "@")]);
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for text in ["A", "A=", "A=1 B=2", "A=1,B", "A=\"x", "A=a@b", "=1", "A==1,B=1"] {
            assert!(pairs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_upper_layer_wins_and_the_order_stays() {
        let layer = |text: &str| pairs(text).unwrap();
        assert_eq!(merged(&layer("A=1,B=2"), &layer("C=3,A=4")), layer("A=4,B=2,C=3"));
    }
}
