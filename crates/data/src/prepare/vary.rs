//! A chosen row as it is written: as given, in another spelling, or root-aligned.

use chemr_tasks::{Example, Split};

use super::mixture::{Item, copies};
use super::scan::Entry;
use super::{Options, aligned, spelling};
use crate::import::MAPPED;

/// What became of an item.
pub(super) struct Varied {
    pub example: Example,
    /// Edit distances before and after alignment.
    pub distances: Option<(usize, usize)>,
    /// Why it is not aligned, where it was to be.
    pub unaligned: Option<&'static str>,
}

/// Writes a further copy in another spelling, or says why there are no more: `reason` where none was asked for.
fn respell(
    options: &Options,
    entry: &Entry,
    copy: u32,
    reason: &'static str,
    example: &mut Example,
    kind: &mut Option<&'static str>,
) -> Result<(), &'static str> {
    let augment = options.augment.filter(|augment| entry.has_spellings && copy as usize <= augment.copies);
    let augment = augment.ok_or(reason)?;
    *example = spelling::respelled(example, augment.spelling, copy, options.seed)?;
    *kind = Some(augment.spelling.as_str());
    Ok(())
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
        // A completion that is stored was written for the question as it stands.
        unaligned = Some(if aligned::has_maps(&example) { "stored_completion" } else { "no_maps" });
    }
    if is_aligned && entry.has_maps {
        match aligned::aligned(&example, copy, options.seed) {
            Ok(found) => {
                kind = (copy > 0).then_some("aligned");
                distances = Some((found.before, found.after));
                example = found.example;
            }
            // A row whose maps are of no use is trained on as one without maps.
            Err(reason) if copy == 0 => unaligned = Some(reason),
            Err(reason) if reason == aligned::NO_OTHER_ROOT => return Err(reason),
            Err(reason) => respell(options, entry, copy, reason, &mut example, &mut kind)?,
        }
    } else if copy > 0 {
        respell(options, entry, copy, spelling::NO_OTHER_SPELLING, &mut example, &mut kind)?;
    }
    // Maps and their order give the reaction centre away.
    example.meta.remove(MAPPED);
    if let Some(kind) = kind {
        let original = example.id.clone();
        example.id = format!("{original}-{kind}-{copy}");
        example.meta.insert("original".to_owned(), original);
        example.meta.insert("spelling".to_owned(), kind.to_owned());
    }
    Ok(Varied { example, distances, unaligned })
}
