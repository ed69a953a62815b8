//! What `supervisord check` prints.

use super::Loaded;
use super::problem::{ConfigError, Severity};

/// The report for people, or for programs as one JSON object with `ok` and `problems`; and the
/// exit status: 0 if the configuration can be used, whatever the warnings, else 2.
#[must_use]
pub fn render_report(result: &Result<Loaded, Vec<ConfigError>>, json: bool) -> (String, u8) {
    let (ok, problems) = match result {
        Ok(loaded) => (true, &loaded.warnings),
        Err(problems) => (false, problems),
    };
    let text = if json { as_json(ok, problems) } else { as_text(problems) };
    (text, if ok { 0 } else { 2 })
}

fn as_json(ok: bool, problems: &[ConfigError]) -> String {
    format!("{}\n", serde_json::json!({ "ok": ok, "problems": problems }))
}

fn as_text(problems: &[ConfigError]) -> String {
    let mut text = String::new();
    let mut errors = 0;
    for problem in problems {
        let word = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        errors += usize::from(problem.severity == Severity::Error);
        text += &format!("{word}: {problem}\n");
    }
    let warnings = problems.len() - errors;
    text + &format!("{}, {}\n", counted(errors, "error"), counted(warnings, "warning"))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_and_decides_the_exit_status() {
        let error = ConfigError {
            severity: Severity::Error,
            file: "x.conf".into(),
            line: Some(2),
            section: Some("program:a".into()),
            key: Some("umask".into()),
            message: "is \"wrong\"".into(),
        };
        let warning = ConfigError { severity: Severity::Warning, line: None, ..error.clone() };
        let result = Err(vec![error, warning]);
        let (text, status) = render_report(&result, false);
        assert_eq!(status, 2);
        assert_eq!(
            text,
            "error: x.conf:2: [program:a] umask: is \"wrong\"\n\
             warning: x.conf: [program:a] umask: is \"wrong\"\n\
             1 error, 1 warning\n"
        );
        let (json, _) = render_report(&result, true);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["problems"][0]["line"], 2);
        assert_eq!(json["problems"][0]["severity"], "error");
        assert_eq!(json["problems"][1]["line"], serde_json::Value::Null);
    }
}
