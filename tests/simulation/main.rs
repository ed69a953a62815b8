//! The core under a seeded fake world: a million turns, every invariant checked after each.
//!
//! `SIMULATION_TURNS` sets how many turns (1,000,000), `SIMULATION_SEED` replays one episode. A
//! failure prints the seed and the events and effects that led to it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod brief;
mod children;
mod fleet;
mod invariants;
mod listeners;
mod random;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use random::Random;
use world::World;

/// Turns of one episode: long enough for a reload or two, a storm of exits and a shutdown.
const TURNS_PER_EPISODE: u64 = 2_000;
/// Where the seeds of a run begin.
const FIRST_SEED: u64 = 0x5eed;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn episode(seed: u64) -> u64 {
    let mut world = World::new(Random::new(seed));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..TURNS_PER_EPISODE {
            world.turn();
        }
        world.wind_down();
    }));
    if let Err(panic) = outcome {
        eprintln!("{}", world.trace());
        eprintln!("the episode is repeated by SIMULATION_SEED={seed}");
        std::panic::resume_unwind(panic);
    }
    world.turns()
}

#[test]
fn a_million_turns_break_no_invariant() {
    if let Some(seed) = setting("SIMULATION_SEED") {
        episode(seed);
        return;
    }
    let wanted = setting("SIMULATION_TURNS").unwrap_or(1_000_000);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let per_thread = wanted.div_ceil(threads);
    let turns: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut seed = FIRST_SEED + (thread << 32);
                    let mut turns = 0;
                    while turns < per_thread {
                        turns += episode(seed);
                        seed += 1;
                    }
                    turns
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("an episode failed, see above")).sum()
    });
    println!("{turns} turns");
    assert!(turns >= wanted);
}

#[test]
fn an_episode_repeats_itself_from_its_seed() {
    let trace = |seed| {
        let mut world = World::new(Random::new(seed));
        for _ in 0..300 {
            world.turn();
        }
        world.trace()
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}
