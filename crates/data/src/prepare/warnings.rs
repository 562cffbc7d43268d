//! What a user should know before training on the rows.

use chemr_tasks::Split;

use super::manifest::{Counts, Manifest};
use super::{Options, SplitBy};
use crate::wording::counted;

/// One sentence for each thing that is not as was probably meant.
pub(super) fn warnings(options: &Options, manifest: &Manifest) -> Vec<String> {
    let mut told = Vec::new();
    for (split, share) in [(Split::Valid, options.valid), (Split::Test, options.test)] {
        told.extend(empty_split(options, manifest, split, share));
    }
    if options.align > 0 && manifest.aligned.is_empty() {
        told.push(unaligned(manifest));
    }
    told
}

fn unaligned(manifest: &Manifest) -> String {
    let reasons: Vec<String> = manifest.unaligned.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let why = if reasons.is_empty() { "there is none".to_owned() } else { reasons.join(", ") };
    let has_no_maps = manifest.unaligned.keys().all(|reason| *reason == "no_maps") && !reasons.is_empty();
    let remedy = if has_no_maps { "; `chemr data import --keep-maps` keeps those of files that have them" } else { "" };
    format!("no reaction was aligned ({why}){remedy}")
}

/// Why a held-out split has no rows, or none of some tasks.
fn empty_split(options: &Options, manifest: &Manifest, split: Split, share: f64) -> Option<String> {
    let of = |number: fn(&Counts) -> usize| manifest.total(split, number);
    let (read, divided, written) = (of(|counts| counts.read), of(|counts| counts.split), of(|counts| counts.written));
    let is_given = options.split == SplitBy::Given;
    if written > 0 {
        return if is_given || share == 0.0 { None } else { missing_tasks(manifest, split) };
    }
    let why = match options.split {
        // All of its rows were too long.
        _ if divided > 0 => {
            format!("its {} more tokens than --length", counted(divided as u64, "row has", "rows have"))
        }
        SplitBy::Given if read == 0 => {
            format!("no row is given as {split}; --split random, scaffold, time or cluster divides the rows")
        }
        SplitBy::Given => format!("{} given as {split}, and left out", counted(read as u64, "row was", "rows were")),
        // Asked for.
        _ if share == 0.0 && read == 0 => return None,
        _ if share == 0.0 => format!("--{split} is 0, so that rows given as {split} went elsewhere"),
        SplitBy::Random => "there are too few molecules for this share".to_owned(),
        SplitBy::Scaffold | SplitBy::Cluster => {
            "whole groups go to one side, and none that fits was left for this share".to_owned()
        }
        SplitBy::Time => "rows of one time stay together, and those of molecules that stand elsewhere go".to_owned(),
    };
    let out: Vec<String> = manifest.left_out.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let out = if out.is_empty() { String::new() } else { format!(" (left out of all splits: {})", out.join(", ")) };
    Some(format!("{split}.jsonl is empty: {why}{out}"))
}

/// Shares are of all rows together, so that a task may have none of them.
fn missing_tasks(manifest: &Manifest, split: Split) -> Option<String> {
    let count = |task: &str, split: Split| {
        let splits = manifest.counts.get(task);
        splits.and_then(|splits| splits.get(split.as_str())).map_or(0, |counts| counts.written)
    };
    let is_missing = |task: &&&str| count(task, split) == 0 && count(task, Split::Train) > 0;
    let tasks: Vec<String> = manifest.tasks.iter().filter(is_missing).map(|task| format!("`{task}`")).collect();
    let list = tasks.join(", ");
    (!tasks.is_empty()).then(|| format!("{split}.jsonl has no rows of {list}: the shares are of all rows together"))
}
