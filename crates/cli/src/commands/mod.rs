//! One file per command.

pub mod ask;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod merge;
pub mod mol;
pub mod quickstart;
pub mod report;
pub mod run;
pub mod score;
pub mod serve;
pub mod train;
