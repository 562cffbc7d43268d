//! A chosen row as it is written: as given, in another spelling, or root-aligned.

use chemr_tasks::{Example, Split};

use super::mixture::{Item, copies};
use super::scan::Entry;
use super::{Options, aligned, spelling};

/// What became of an item.
pub(super) struct Varied {
    pub example: Example,
    /// Edit distances before and after alignment.
    pub distances: Option<(usize, usize)>,
    /// Why it is not aligned, where it was to be.
    pub unaligned: Option<&'static str>,
}

/// Makes the row, or says why this copy cannot be.
pub(super) fn vary(
    options: &Options,
    entry: &Entry,
    item: Item,
    split: Split,
    mut example: Example,
) -> Result<Varied, &'static str> {
    example.split = split;
    // A row that the mixture repeats comes with all its copies again.
    let copy = item.variant % copies(options, entry);
    let (mut distances, mut unaligned, mut kind) = (None, None, None);
    let is_aligned = options.align > 0 && (split == Split::Train || !aligned::tells_the_answer(&example));
    if is_aligned && !entry.has_maps && copy == 0 && aligned::is_reaction(&example) {
        unaligned = Some("no_maps");
    }
    if is_aligned && entry.has_maps {
        match aligned::aligned(&example, copy, options.seed) {
            Ok(found) => {
                kind = (copy > 0).then_some("aligned");
                distances = Some((found.before, found.after));
                example = found.example;
            }
            // The row itself is trained on as it is; its further copies are not.
            Err(reason) if copy == 0 => unaligned = Some(reason),
            Err(reason) => return Err(reason),
        }
    } else if let (Some(augment), 1..) = (options.augment.filter(|_| entry.has_spellings), copy) {
        example = spelling::respelled(&example, augment.spelling, copy, options.seed)?;
        kind = Some(augment.spelling.as_str());
    }
    // Maps and their order give the reaction centre away.
    example.meta.remove(aligned::MAPPED);
    if let Some(kind) = kind {
        let original = example.id.clone();
        example.id = format!("{original}-{kind}-{copy}");
        example.meta.insert("original".to_owned(), original);
        example.meta.insert("spelling".to_owned(), kind.to_owned());
    }
    Ok(Varied { example, distances, unaligned })
}
