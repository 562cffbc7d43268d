//! Scoring over HTTP: verdicts for batches of completions.
//!
//! * `POST /v1/score`: rows with their tasks, answered by verdicts;
//! * `POST /get_reward`: what OpenRLHF sends to a remote reward model, answered as it expects;
//! * `GET /health`: whether the server is up; `GET /metrics`: counters as Prometheus reads them.
//!
//! With a token every route but `/health` wants `Authorization: Bearer TOKEN`. Without one the server listens on loopback addresses alone.

mod counters;
mod routes;
mod server;
mod token;

pub use server::{Options, ServeError, Server};
