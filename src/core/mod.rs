//! The supervisor without a world: events in, effects out.

pub mod effect;
pub mod event;

pub use effect::{Effect, Mood};
pub use event::{Command, Event, Reply, ReplyTo};
