//! Mapped reactions in files as they were published.

use std::path::Path;

use rayon::prelude::*;

use super::AuditError;
use super::maps::centre;
use super::measures::map_report;
use super::report::MapReport;
use super::table::MapTally;
use crate::anatomy::{has_maps, sides};
use crate::import::rows::Row;
use crate::import::source::{Shape, Source};

/// Rows of a batch.
const BATCH_ROWS: usize = 4096;

/// Reads the mapped reaction of every row: the first field, or word of a line, that is a reaction with maps.
pub(super) fn mapped_file(path: &Path) -> Result<MapReport, AuditError> {
    let failed = |message: String| AuditError::Mapped { path: path.to_owned(), message };
    let read = |error: std::io::Error| failed(error.to_string());
    let name = path.display().to_string();
    let source = Source::open(path, name.to_lowercase()).map_err(read)?;
    // A text without columns has the reaction in its lines.
    let is_lines = !matches!(source.sample.rows.first(), Some(Row::Object(_)))
        && source.sample.columns.iter().any(|name| is_mapped(name));
    let shape = if is_lines { Shape::Lines { comment: None } } else { Shape::Columns };
    let mut rows = source.rows(shape).map_err(read)?.rows;
    let (mut tally, mut count, mut unread) = (MapTally::default(), 0, 0);
    loop {
        let mut batch = Vec::new();
        while batch.len() < BATCH_ROWS {
            let Some(row) = rows.next_row().map_err(read)? else { break };
            batch.push(row.row);
        }
        if batch.is_empty() {
            break;
        }
        let found: Vec<Option<MapTally>> = batch.par_iter().map(|row| centre(&reaction(row.as_ref().ok()?)?)).collect();
        // Sums of floats in the order of the rows, whatever the number of threads.
        for one in found {
            count += 1;
            match one {
                Some(one) => tally.add(&one),
                None => unread += 1,
            }
        }
    }
    if tally.reactions == 0 {
        return Err(failed(format!(
            "none of its {count} rows holds a mapped reaction that can be read; --mapped wants such files"
        )));
    }
    Ok(map_report(name, &tally, count, unread, None))
}

/// A reaction with maps on both sides.
fn is_mapped(text: &str) -> bool {
    sides(text).is_some_and(|(reactants, product)| has_maps(reactants) && has_maps(product))
}

fn reaction(row: &Row) -> Option<String> {
    let of_line = || row.line()?.split([' ', '\t', ',']).find(|word| is_mapped(word)).map(str::to_owned);
    let of_column = || {
        let names = row.names();
        let texts = names.into_iter().filter_map(|name| row.text(name));
        texts.map(|text| text.into_owned()).find(|text| is_mapped(text))
    };
    of_line().or_else(of_column)
}
