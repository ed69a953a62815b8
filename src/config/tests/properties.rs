//! What holds for every text.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Texts that are nearly configurations: lines of this kind, in any order.
pub(in crate::config) fn lines() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        "(command|environment|process_name|numprocs|user|exitcodes|stdout_logfile|files|programs)",
        "[a-zA-Z_ ]{0,12}",
    ];
    let value = prop_oneof![
        "[ -~]{0,30}",
        "%\\((here|process_num|ENV_HOME|nope)\\)[0-9.-]{0,3}[sdq%]?",
        "[A-Z]=\"[^\"]{0,5}\",?[A-Z]?=?.{0,4}",
        "-?[0-9_]{0,20}(kb|MB)?",
    ];
    let line = prop_oneof![
        "\\[(program:x|supervisord|group:g|include|DEFAULT|eventlistener:e|fcgi-program:f)\\]",
        "\\[[a-z:]{0,20}\\]?",
        (key, "[=:]", value).prop_map(|(key, equals, value)| format!("{key}{equals}{value}")),
        "[ \t]{0,3}[;#]?[^\\r\\n]{0,20}",
        "\\PC{0,20}",
    ];
    vec(line, 0..20).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in prop_oneof![lines(), any::<String>()]) {
        let first = load_text(&text);
        if let Err(problems) = &first {
            prop_assert!(!problems.is_empty());
            prop_assert_eq!(problems[0].severity, Severity::Error);
        }
        let (report, status) = render_report(&first, true);
        prop_assert_eq!(status == 0, first.is_ok());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&report).is_ok());
        prop_assert_eq!(first, load_text(&text));
    }

    #[test]
    fn what_is_written_is_read(
        command in "[!$&-:<-~]([ !$&-:<-~]{0,40}[!$&-:<-~])?",
        priority in any::<i32>(),
        startsecs in any::<u32>(),
        exitcodes in vec(0..=255_i32, 0..5),
        umask in 0..=0o777_u32,
        variables in vec(("[A-Z][A-Z_]{0,9}", "[ !$&-:<-~]{0,20}"), 0..5),
    ) {
        let codes: Vec<_> = exitcodes.iter().map(ToString::to_string).collect();
        let pairs: Vec<_> =
            variables.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let text = format!(
            "[program:x]\ncommand={command}\npriority={priority}\nstartsecs={startsecs}\n\
             exitcodes={}\numask={umask:o}\nenvironment={}\n",
            codes.join(","),
            pairs.join(","),
        );
        let loaded = load_text(&text);
        prop_assert!(loaded.is_ok(), "{text}: {loaded:?}");
        let config = loaded.unwrap().config;
        let x = &config.groups[0].processes[0];
        prop_assert_eq!(&*x.command, &command);
        prop_assert_eq!(x.priority, priority);
        prop_assert_eq!(x.startsecs.as_secs(), u64::from(startsecs));
        prop_assert_eq!(&*x.exitcodes, &exitcodes);
        prop_assert_eq!(x.umask, Some(umask));
        for (name, _) in &variables {
            let last = variables.iter().rfind(|(other, _)| other == name).unwrap();
            let read = x.environment.iter().find(|(other, _)| other == name).unwrap();
            prop_assert_eq!(read.1.as_str(), last.1.trim_matches(['\'', '"']));
        }
        prop_assert_eq!(changes(&config.groups, &load_text(&text).unwrap().config.groups), Changes::default());
    }
}
