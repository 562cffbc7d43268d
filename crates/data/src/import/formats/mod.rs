//! Formats of public files: one file for each family.

mod captions;
mod chemcotbench;
mod choice;
mod ether0;
mod generic;
mod mol_instructions;
mod moleculenet;
mod names;
mod reactions;
mod reagents;
mod smolinstruct;
mod tomg;
mod yields;

use super::format::Format;

pub(super) use moleculenet::labelled;
pub(super) use names::compound;
pub(super) use reactions::both_directions;
pub(super) use yields::unit_fault;

/// All formats; a file is offered to them in this order, so that telling columns come before common ones.
pub(super) fn all() -> Vec<Format> {
    let mut all = Vec::new();
    all.extend(choice::formats());
    all.extend(chemcotbench::formats());
    all.extend(tomg::formats());
    all.extend(ether0::formats());
    all.extend(mol_instructions::formats());
    all.extend(smolinstruct::formats());
    all.extend(reagents::formats());
    all.extend(yields::formats());
    all.extend(reactions::formats());
    all.extend(moleculenet::formats());
    all.extend(names::formats());
    all.extend(captions::formats());
    all.extend(generic::formats());
    all
}
