//! Which rows are for training, validation and test.
//!
//! The same molecule is never in two splits, over all tasks. Rows that were given as test stay test, so that a published benchmark is
//! scored as published; a row of their groups (molecule, scaffold, cluster) that was given otherwise is left out, not moved.

use std::collections::{BTreeMap, HashMap, HashSet};

use chemr_tasks::Split;

use super::manifest::Manifest;
use super::scan::{Entry, Scan};
use super::{Options, PrepareError, SplitBy};
use crate::rng::mix;

/// Why a row is in no split.
const HELD_OUT: &str = "molecule_held_out";
const TEST_GROUP: &str = "group_of_given_test";
const SEEN: &str = "molecule_seen_earlier";
const NO_TIME: &str = "no_time";

/// Keeps the seeds of splits apart from others.
const STREAM: u64 = 0x5b1;

/// The split of each row; `None` for one that is left out, which the manifest counts.
pub(super) fn assign(
    options: &Options,
    scan: &mut Scan,
    manifest: &mut Manifest,
) -> Result<Vec<Option<Split>>, PrepareError> {
    if options.split == SplitBy::Cluster {
        let leaders = scan.molecules.leaders(options.similarity);
        for entry in &mut scan.entries {
            entry.group = leaders.get(&entry.molecule).copied().unwrap_or(entry.group);
        }
        scan.molecules = Default::default();
    }
    let entries = &scan.entries;
    let found: Vec<Result<Split, &'static str>> = match options.split {
        SplitBy::Given => given(entries),
        SplitBy::Time => by_time(options, entries)?,
        SplitBy::Random => by_group(entries, |_| {
            let shares = (options.valid, options.test);
            Box::new(move |group| Some(by_hash(group, options.seed, shares)))
        }),
        SplitBy::Scaffold | SplitBy::Cluster => by_group(entries, |pool| {
            let sides = by_size(pool, options);
            Box::new(move |group| sides.get(&group).copied())
        }),
    };
    manifest.groups = entries.iter().map(|entry| entry.group).collect::<HashSet<_>>().len();
    for (entry, found) in entries.iter().zip(&found) {
        match found {
            Ok(split) => manifest.count(entry.task, *split).split += 1,
            Err(reason) => *manifest.left_out.entry(reason).or_default() += 1,
        }
    }
    Ok(found.into_iter().map(Result::ok).collect())
}

/// As given; a molecule belongs to the latest split that any of its rows names.
fn given(entries: &[Entry]) -> Vec<Result<Split, &'static str>> {
    let mut latest: HashMap<u64, Split> = HashMap::new();
    for entry in entries {
        let split = latest.entry(entry.molecule).or_insert(entry.given);
        *split = (*split).max(entry.given);
    }
    let side =
        |entry: &Entry| if latest.get(&entry.molecule) == Some(&entry.given) { Ok(entry.given) } else { Err(HELD_OUT) };
    entries.iter().map(side).collect()
}

/// The side of a group.
type Side<'a> = Box<dyn Fn(u64) -> Option<Split> + 'a>;

/// Whole groups to one side. `sides` is told the rows that are divided: all but those given as test and the rows of their groups.
fn by_group<'a>(entries: &[Entry], sides: impl FnOnce(&[&Entry]) -> Side<'a>) -> Vec<Result<Split, &'static str>> {
    let is_test = |entry: &&Entry| entry.given == Split::Test;
    let tested: HashSet<u64> = entries.iter().filter(is_test).map(|entry| entry.group).collect();
    let pool: Vec<&Entry> = entries.iter().filter(|entry| !tested.contains(&entry.group)).collect();
    let side = sides(&pool);
    entries
        .iter()
        .map(|entry| match (entry.given, tested.contains(&entry.group)) {
            (Split::Test, _) => Ok(Split::Test),
            (_, true) => Err(TEST_GROUP),
            (_, false) => Ok(side(entry.group).unwrap_or(Split::Train)),
        })
        .collect()
}

/// By a hash: the side of a molecule does not depend on which other rows there are.
fn by_hash(group: u64, seed: u64, (valid, test): (f64, f64)) -> Split {
    let place = (mix(&[seed, STREAM, group]) >> 11) as f64 / (1_u64 << 53) as f64;
    match place {
        place if place < test => Split::Test,
        place if place < test + valid => Split::Valid,
        _ => Split::Train,
    }
}

/// Large groups first, of equal ones the one that began later, as DeepChem's `ScaffoldSplitter`: to training while there is room, then to
/// validation, then to test.
fn by_size(pool: &[&Entry], options: &Options) -> HashMap<u64, Split> {
    let mut groups: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for (place, entry) in pool.iter().enumerate() {
        groups.entry(entry.group).or_insert((0, place)).0 += 1;
    }
    let mut groups: Vec<(usize, usize, u64)> =
        groups.into_iter().map(|(group, (count, first))| (count, first, group)).collect();
    groups.sort_unstable_by(|left, right| right.cmp(left));
    let rows = pool.len() as f64;
    // A trifle more, as the shares of floats do not add up: of 100 rows, 90 are for training by default.
    let room = |share: f64| share * rows + 1e-6;
    let (to_train, to_valid) = (room(1.0 - options.valid - options.test), room(1.0 - options.test));
    let (mut train, mut valid) = (0, 0);
    let side = |(count, _, group): (usize, usize, u64)| {
        let split = if (train + count) as f64 <= to_train {
            train += count;
            Split::Train
        } else if (train + valid + count) as f64 <= to_valid {
            valid += count;
            Split::Valid
        } else {
            Split::Test
        };
        (group, split)
    };
    groups.into_iter().map(side).collect()
}

/// The newest rows to test, those before them to validation. Rows of one time stay together. A row whose molecule has a row in an
/// earlier split is left out: what is new in it is not the molecule.
fn by_time(options: &Options, entries: &[Entry]) -> Result<Vec<Result<Split, &'static str>>, PrepareError> {
    let is_divided = |entry: &&Entry| entry.given != Split::Test && !entry.time.is_nan();
    let mut times: Vec<f64> = entries.iter().filter(is_divided).map(|entry| entry.time).collect();
    if times.is_empty() {
        return Err(PrepareError::NoTime { field: options.time_field.clone() });
    }
    times.sort_unstable_by(f64::total_cmp);
    let cut = |share: f64| -> f64 {
        // The newest times that hold about this share: the cut stands before or after all rows of a time, whichever is nearer.
        let place = times.len() - (share * times.len() as f64).round() as usize;
        let Some(&at) = times.get(place) else { return f64::INFINITY };
        let (start, end) = (times.partition_point(|time| *time < at), times.partition_point(|time| *time <= at));
        if place - start <= end - place { at } else { times.get(end).copied().unwrap_or(f64::INFINITY) }
    };
    let (test, valid) = (cut(options.test), cut(options.test + options.valid));
    let side = |entry: &Entry| match entry.given {
        Split::Test => Ok(Split::Test),
        _ if entry.time.is_nan() => Err(NO_TIME),
        _ if entry.time >= test => Ok(Split::Test),
        _ if entry.time >= valid => Ok(Split::Valid),
        _ => Ok(Split::Train),
    };
    let mut found: Vec<Result<Split, &'static str>> = entries.iter().map(side).collect();
    let is_given_test = |entry: &&Entry| entry.given == Split::Test;
    let tested: HashSet<u64> = entries.iter().filter(is_given_test).map(|entry| entry.molecule).collect();
    let mut earliest: HashMap<u64, Split> = HashMap::new();
    for (entry, found) in entries.iter().zip(&found) {
        if let Ok(split) = found {
            let known = earliest.entry(entry.molecule).or_insert(*split);
            *known = (*known).min(*split);
        }
    }
    for (entry, found) in entries.iter().zip(&mut found) {
        if entry.given == Split::Test {
            continue;
        }
        if tested.contains(&entry.molecule) {
            *found = Err(TEST_GROUP);
        } else if found.is_ok_and(|split| earliest.get(&entry.molecule) != Some(&split)) {
            *found = Err(SEEN);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(molecule: u64, group: u64, given: Split, time: f64) -> Entry {
        Entry {
            offset: 0,
            length: 0,
            input: 0,
            line: 0,
            task: 0,
            given,
            id: 0,
            molecule,
            group,
            time,
            has_maps: false,
            has_spellings: false,
        }
    }

    #[test]
    fn given_splits_lose_what_is_held_out() {
        let of = |molecule, given| entry(molecule, molecule, given, 0.0);
        let rows = [
            of(1, Split::Train),
            of(1, Split::Test),
            of(2, Split::Valid),
            of(2, Split::Train),
            of(3, Split::Train),
            of(1, Split::Valid),
        ];
        let wanted = [Err(HELD_OUT), Ok(Split::Test), Ok(Split::Valid), Err(HELD_OUT), Ok(Split::Train), Err(HELD_OUT)];
        assert_eq!(given(&rows), wanted);
    }

    #[test]
    fn sizes_decide_as_in_deepchem() {
        // Sizes 4, 2, 2, 1, 1 of 10 rows; shares 0.6, 0.2, 0.2. Of the two groups of 2, the one that began later comes first, and so on:
        // 4 and group 12 fill training (6), group 11 is validation (2), groups 14 and 13 are test.
        let groups = [10, 10, 10, 10, 11, 11, 12, 12, 13, 14];
        let rows: Vec<Entry> =
            groups.iter().enumerate().map(|(n, group)| entry(n as u64, *group, Split::Train, 0.0)).collect();
        let options = Options { valid: 0.2, test: 0.2, ..Options::default() };
        let sides = by_size(&rows.iter().collect::<Vec<_>>(), &options);
        let wanted = [(10, Split::Train), (11, Split::Valid), (12, Split::Train), (13, Split::Test), (14, Split::Test)];
        for (group, split) in wanted {
            assert_eq!(sides[&group], split, "{group}");
        }
    }

    #[test]
    fn shares_are_whole_rows_where_they_can_be() {
        for count in [20, 60, 100, 1000] {
            let rows: Vec<Entry> = (0..count).map(|n| entry(n, n, Split::Train, 0.0)).collect();
            let sides = by_size(&rows.iter().collect::<Vec<_>>(), &Options::default());
            let of = |split| sides.values().filter(|side| **side == split).count() as u64;
            assert_eq!((of(Split::Train), of(Split::Valid), of(Split::Test)), (count * 9 / 10, count / 20, count / 20));
        }
    }

    #[test]
    fn the_newest_are_the_test() {
        // Twenty rows of 2001 to 2020; one of 2020 has the molecule of 2001, one has no time, one was given as test.
        let mut rows: Vec<Entry> = (1..=20).map(|year| entry(year, year, Split::Valid, 2000.0 + year as f64)).collect();
        rows.push(entry(1, 1, Split::Train, 2020.0));
        rows.push(entry(50, 50, Split::Train, f64::NAN));
        rows.push(entry(2, 2, Split::Test, 1999.0));
        let options = Options { split: SplitBy::Time, valid: 0.1, test: 0.1, ..Options::default() };
        let found = by_time(&options, &rows).unwrap();
        let count = |wanted| found.iter().filter(|found| **found == wanted).count();
        assert_eq!((found[20], found[21], found[22]), (Err(SEEN), Err(NO_TIME), Ok(Split::Test)));
        assert_eq!(found[1], Err(TEST_GROUP));
        assert_eq!(found[19], Ok(Split::Test));
        assert!(count(Ok(Split::Valid)) >= 1 && count(Ok(Split::Train)) >= 14, "{found:?}");
        let latest_train = (0..20).filter(|n| found[*n] == Ok(Split::Train)).max().unwrap();
        assert!((0..latest_train).all(|n| n == 1 || found[n] == Ok(Split::Train)));
        let none = [entry(1, 1, Split::Train, f64::NAN)];
        assert!(by_time(&options, &none).unwrap_err().to_string().contains("`year`"));
    }
}
