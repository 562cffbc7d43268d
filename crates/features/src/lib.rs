//! Nothing but a list of dependency features.
//!
//! Cargo unifies features over the packages of one command only, so `cargo run`, `cargo test` and
//! `cargo test -p chemr-chem` would each compile `cosmolkit` (minutes) with slightly different
//! features of crates below it. Every base crate depends on this one, which asks for the union;
//! all commands then share one build. `cargo xtask features` tells what is missing from the list.
