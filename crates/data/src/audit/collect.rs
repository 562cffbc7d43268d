//! The first pass: rows in batches, their molecules by all cores.
//!
//! A batch goes through four steps that all cores share, with short sequential ones between them, so that no lock is needed and places of
//! molecules and sets follow the order of the files: lines to examples; components that are not known yet to keys; rows to keys; molecules
//! that are not known yet to InChIKeys, scaffolds and fingerprints.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use chemr_chem::Mol;
use chemr_tasks::{Example, Split, Task};
use rayon::prelude::*;

use super::AuditError;
use super::facts::{Facts, Selection};
use super::input::{InputFile, RawLine, batches};
use super::keys::{ComponentCache, ComponentKeys, Wanted, molecule_keys};
use super::options::{AuditOptions, Check, Progress};
use super::table::{BadLine, FileNote, NONE, Row, SelectionRow, Table, YieldRow};
use crate::anatomy::Anatomy;
use crate::example_lines::example;

/// Components that are remembered, twice at most.
const REMEMBERED: usize = 200_000;

/// Most places of each kind of fault.
const FIRST: usize = 20;

/// Reads all rows of the files.
pub(super) fn collect(files: &[InputFile], options: &AuditOptions, progress: Progress) -> Result<Table, AuditError> {
    let mut collector = Collector {
        options,
        table: Table::default(),
        cache: ComponentCache::new(REMEMBERED),
        places: HashMap::new(),
        wanted: Wanted {
            inchi: options.wants_inchi(),
            scaffold: options.wants(Check::Scaffold),
            fingerprint: options.wants(Check::Near),
        },
    };
    for (place, file) in files.iter().enumerate() {
        let place = place as u32;
        let mut lines = 0;
        let sha256 = batches(&file.path, |batch| {
            lines += batch.len() as u64;
            collector.batch(place, file.split, &batch)?;
            progress("reading rows", collector.table.rows.len() as u64);
            Ok(())
        })?;
        let (path, split) = (file.path.clone(), file.split);
        collector.table.files.push(FileNote { path, split, sha256, lines });
    }
    Ok(collector.table)
}

struct Collector<'a> {
    options: &'a AuditOptions<'a>,
    table: Table,
    cache: ComponentCache,
    /// Places of molecules by their canonical key.
    places: HashMap<u64, u32>,
    wanted: Wanted,
}

/// A line as an example with its task, or why it is none.
type Parsed = Result<(Example, Option<&'static Task>), String>;

fn parsed(line: &RawLine, split: Option<Split>) -> Parsed {
    if line.is_too_long {
        return Err(format!("the line is longer than {} bytes", crate::predictions::MAX_LINE));
    }
    // What a completion says is no part of the audit.
    let (mut example, _) = example(&line.bytes, |_| Ok(String::new())).map_err(|error| error.to_string())?;
    if let Some(split) = split {
        example.split = split;
    }
    let task = chemr_tasks::task(&example.task);
    Ok((example, task))
}

impl Collector<'_> {
    fn batch(&mut self, file: u32, split: Option<Split>, lines: &[RawLine]) -> Result<(), AuditError> {
        let parsed: Vec<Parsed> = lines.par_iter().map(|line| parsed(line, split)).collect();
        let anatomies: Vec<Option<Anatomy>> =
            parsed.par_iter().map(|row| row.as_ref().ok().map(|(example, task)| Anatomy::of(*task, example))).collect();
        let molecules = self.learn(&anatomies);
        let (cache, options) = (&self.cache, self.options);
        let facts: Vec<Option<Facts>> = parsed
            .par_iter()
            .zip(&anatomies)
            .map(|(row, anatomy)| {
                let ((example, task), anatomy) = (row.as_ref().ok()?, anatomy.as_ref()?);
                Some(Facts::of(*task, example, anatomy, cache, options))
            })
            .collect();
        self.add_molecules(&facts, &molecules);
        for ((line, row), facts) in lines.iter().zip(&parsed).zip(facts) {
            match (row, facts) {
                (Ok((example, task)), Some(facts)) => self.add(file, line.number, example, *task, facts),
                (Err(message), _) => {
                    self.table.bad_lines += 1;
                    if self.table.first_bad_lines.len() < FIRST {
                        self.table.first_bad_lines.push(BadLine { file, line: line.number, message: message.clone() });
                    }
                }
                (Ok(_), None) => {}
            }
        }
        if self.table.rows.len() as u64 >= u64::from(NONE) {
            let path = std::path::PathBuf::from("the inputs");
            return Err(AuditError::TooMany { path, limit: u64::from(NONE) });
        }
        Ok(())
    }

    /// Makes the keys of the components that are not known yet. Gives those that rows are about, which are needed again.
    fn learn<'a>(&mut self, anatomies: &[Option<Anatomy<'a>>]) -> HashMap<&'a str, Mol> {
        let (mut seen, mut unseen) = (HashSet::new(), Vec::new());
        for anatomy in anatomies.iter().flatten() {
            for text in anatomy.mixtures() {
                for part in text.trim().split('.') {
                    if seen.insert(part) && !self.cache.touch(part) {
                        unseen.push(part);
                    }
                }
            }
        }
        let about: HashSet<&str> = anatomies.iter().flatten().filter_map(|anatomy| anatomy.molecule).collect();
        let read: Vec<(ComponentKeys, Option<Mol>)> = unseen
            .par_iter()
            .map(|part| {
                let (keys, mol) = ComponentKeys::read(part);
                (keys, mol.filter(|_| about.contains(part)))
            })
            .collect();
        let mut molecules = HashMap::new();
        for (part, (keys, mol)) in unseen.into_iter().zip(read) {
            self.cache.add(part.into(), keys);
            molecules.extend(mol.map(|mol| (part, mol)));
        }
        molecules
    }

    /// Makes the expensive keys of the molecules that are not known yet.
    fn add_molecules(&mut self, facts: &[Option<Facts>], molecules: &HashMap<&str, Mol>) {
        let mut unseen = Vec::new();
        for (text, mixture) in facts.iter().flatten().filter_map(|facts| facts.molecule) {
            let next = (self.table.molecules.len() + unseen.len()) as u32;
            if let Entry::Vacant(entry) = self.places.entry(mixture.canonical) {
                entry.insert(next);
                unseen.push((text, mixture));
            }
        }
        let wanted = self.wanted;
        let found: Vec<_> = unseen
            .par_iter()
            .map(|(text, mixture)| molecule_keys(text, molecules.get(text), mixture, wanted))
            .collect();
        for (keys, fingerprint) in found {
            self.table.molecules.push(keys);
            if wanted.fingerprint {
                // No bits: no molecule is near.
                self.table.fingerprints.push(fingerprint.unwrap_or([0; 32]));
            }
        }
    }

    fn add(&mut self, file: u32, line: u32, example: &Example, task: Option<&'static Task>, facts: Facts) {
        let table = &mut self.table;
        let place = table.rows.len() as u32;
        let set = table.set(&example.task, &example.source, example.split);
        if task.is_none() {
            // By the name of its set, of which there is a limited number.
            *table.unknown_tasks.entry(table.sets[set as usize].task.clone()).or_default() += 1;
        }
        let molecule = facts.molecule.and_then(|(_, keys)| self.places.get(&keys.canonical).copied()).unwrap_or(NONE);
        let Facts { question, answer, reaction, .. } = facts;
        table.rows.push(Row { file, line, set, molecule, question, answer, reaction });
        if facts.unreadable > 0 {
            table.unreadable_components += u64::from(facts.unreadable);
            table.unreadable_rows += 1;
            if table.first_unreadable.len() < FIRST {
                table.first_unreadable.push(place);
            }
        }
        let examples = self.options.examples;
        let tally = &mut table.tallies[set as usize];
        for (histogram, length) in tally.lengths.iter_mut().zip(&facts.lengths) {
            histogram.add(*length, place);
        }
        if facts.has_maps {
            tally.mapped_rows += 1;
            tally.first_mapped.get_or_insert(place);
        }
        if let Some(centre) = &facts.centre {
            tally.mapped.add(centre);
        }
        if let Some(fact) = facts.atoms {
            let atoms = &mut tally.atoms;
            match fact.missing {
                None => atoms.unchecked += 1,
                Some(missing) => {
                    atoms.checked += 1;
                    if !missing.is_empty() {
                        atoms.unbalanced += 1;
                        if atoms.unbalanced_rows.len() < examples {
                            atoms.unbalanced_rows.push(place);
                        }
                    }
                    for element in missing {
                        *atoms.missing.entry(element).or_default() += 1;
                    }
                }
            }
            if fact.product_is_reactant {
                atoms.product_is_reactant += 1;
                if atoms.reactant_rows.len() < examples {
                    atoms.reactant_rows.push(place);
                }
            }
        }
        if let Some(components) = facts.yield_components {
            table.yields.push(YieldRow { row: place, components });
        }
        if let Some(Selection { components, candidates, best }) = facts.selection {
            table.selections.push(SelectionRow { row: place, components, candidates, best });
        }
    }
}
