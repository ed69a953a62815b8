//! The kinds of events, and what a reader asks for.

use crate::model::{Error, ErrorKind};

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// A process passed from one state to another.
    ProcessState = 1,
    /// Something else of a process changed.
    ProcessInfo = 1 << 1,
    /// A process joined the fleet.
    ProcessAdded = 1 << 2,
    /// A process left it.
    ProcessRemoved = 1 << 3,
    /// A process wrote something.
    ProcessLog = 1 << 4,
    /// The supervisor itself passed from one state to another.
    SupervisorState = 1 << 5,
    /// The configuration is being read anew, or was.
    Reload = 1 << 6,
    /// The sign of life, with what is used.
    Tick = 1 << 7,
    /// Something of another node changed.
    Node = 1 << 8,
}

/// Names as they stand in `event:` and `types=`.
const NAMES: &[(&str, Kind)] = &[
    ("process_state", Kind::ProcessState),
    ("process_info", Kind::ProcessInfo),
    ("process_added", Kind::ProcessAdded),
    ("process_removed", Kind::ProcessRemoved),
    ("process_log", Kind::ProcessLog),
    ("supervisor_state", Kind::SupervisorState),
    ("reload", Kind::Reload),
    ("tick", Kind::Tick),
    ("node", Kind::Node),
];

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u16);

/// What a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Kinds of events.
    pub kinds: Kinds,
    /// Everything as it is, first.
    pub snapshot: bool,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

impl Kinds {
    /// What is sent to who names nothing: all, but what is much and rarely wanted.
    const USUAL: Self = Self(!(Kind::ProcessLog as u16 | Kind::Node as u16));

    /// Whether it is one of them.
    pub fn has(self, kind: Kind) -> bool {
        self.0 & kind as u16 != 0
    }
}

impl Wanted {
    /// Reads `types=a,b&snapshot=true&nodes=true`. Other parameters are somebody else's.
    ///
    /// # Errors
    /// `IncorrectParameters` for a type that there is not.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut wanted = Self { kinds: Kinds::USUAL, snapshot: false };
        let mut nodes = false;
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let is_true = matches!(value, "true" | "1");
            match key {
                "types" => wanted.kinds = kinds(&value.replace("%2C", ",").replace("%2c", ","))?,
                "snapshot" => wanted.snapshot = is_true,
                "nodes" => nodes = is_true,
                _ => {}
            }
        }
        if nodes {
            wanted.kinds.0 |= Kind::Node as u16;
        }
        Ok(wanted)
    }
}

fn kinds(list: &str) -> Result<Kinds, Error> {
    let mut kinds = Kinds(0);
    for word in list.split(',').filter(|word| !word.is_empty()) {
        let Some((_, kind)) = NAMES.iter().find(|(name, _)| *name == word) else {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            let why = format!("{word:?} is no type of event: expected {}", names.join(", "));
            return Err(Error::new(ErrorKind::IncorrectParameters, why));
        };
        kinds.0 |= *kind as u16;
    }
    Ok(if kinds.0 == 0 { Kinds::USUAL } else { kinds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_events_has_every_kind() {
        let page = include_str!("../../../docs/events.md");
        for (name, _) in NAMES.iter().chain(&[("snapshot", Kind::Tick)]) {
            assert!(page.contains(&format!("\n### `{name}`")), "docs/events.md lacks {name}");
            assert!(page.contains(&format!("\nevent: {name}\n")), "and an example of {name}");
        }
    }

    #[test]
    fn a_query_says_what_is_wanted() {
        let all = |query: &str| {
            let wanted = Wanted::parse(query).unwrap();
            let names = NAMES.iter().filter(|(_, kind)| wanted.kinds.has(*kind));
            let names: Vec<_> = names.map(|(name, _)| *name).collect();
            format!("{} {}", names.join(" "), wanted.snapshot)
        };
        let usual = "process_state process_info process_added process_removed supervisor_state \
                     reload tick";
        assert_eq!(all(""), format!("{usual} false"));
        assert_eq!(all("snapshot=true&x=y&types="), format!("{usual} true"));
        assert_eq!(all("nodes=true&snapshot=0"), format!("{usual} node false"));
        assert_eq!(all("types=tick%2Cprocess_log"), "process_log tick false");
        assert_eq!(all("types=tick&nodes=1"), "tick node false");
        let why = Wanted::parse("types=ticks").unwrap_err();
        assert_eq!(why.kind, ErrorKind::IncorrectParameters);
    }
}
