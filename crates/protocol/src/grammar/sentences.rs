//! The table of sentence patterns: one place for what the teacher writes and what the checker reads.
//!
//! A pattern is words and `{slots}`. `a|b` takes either word, `[word]` may be left out; case does not matter, and a
//! comma or colon may stand before any word or slot. Patterns under `teacher` are plain (no `|`, no `[ ]`): they are
//! written as they stand, and read as well. Patterns under `reader` cover other wordings of model text.
//!
//! Words of teacher patterns hold at least one lower-case letter that is no SMILES letter, so that a tokenizer can keep
//! whole phrases together and apart from SMILES.

/// What a sentence states; decides which claims come out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    Elements,
    AtomWalk,
    Totals,
    Formula,
    ElementCount,
    ChainParent,
    RingParent,
    ChainLength,
    Substituents,
    NoSubstituents,
    Stereodescriptors,
    Stereocentres,
    DefinedStereocentres,
    Positions,
    Written,
    Scaffold,
    CarbonWalk,
    PolarWalk,
    NoPolarAtoms,
    AtLeast,
    Below,
    Verdict,
    HeavyAtoms,
    Rings,
    RingSystems,
    AromaticRings,
    BenzeneRings,
    Acyclic,
    Donors,
    Acceptors,
    RotatableBonds,
    PolarSurface,
    LogP,
    Weight,
    ReactantCount,
    Reagents,
    Groups,
    NoGroups,
    GroupsPresent,
    GroupsAbsent,
    NoKnownGroup,
    ReactionType,
    BondsFormed,
    BondsBroken,
    Leaving,
    LeavingAtoms,
    Parts,
    Constraint,
    Pieces,
    Joined,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Sentence {
    pub rule: Rule,
    /// Wordings that the teacher chooses from.
    pub teacher: &'static [&'static str],
    /// Further wordings that the checker understands.
    pub reader: &'static [&'static str],
}

const fn row(rule: Rule, teacher: &'static [&'static str], reader: &'static [&'static str]) -> Sentence {
    Sentence { rule, teacher, reader }
}

/// Every sentence pattern.
pub static SENTENCES: &[Sentence] = &[
    // Formula.
    row(
        Rule::Elements,
        &["The elements are {elements}", "Elements: {elements}", "It is built from {elements}"],
        &["elements|element present [are|is] {elements}", "elements include {elements}", "composed of {elements}"],
    ),
    row(Rule::AtomWalk, &["Atom by atom: {walk}", "Running counts: {walk}", "Along the string: {walk}"], &[]),
    row(
        Rule::Totals,
        &["Totals: {totals}", "The totals are {totals}", "This adds up to {totals}"],
        &["total [of|is] {totals}"],
    ),
    row(
        Rule::Formula,
        &[
            "The molecular formula is {formula}",
            "Hill order gives the formula {formula}",
            "Hence the formula {formula}",
        ],
        &["formula [is|of|as|reads|becomes] {formula}", "formula of the|this molecule|compound|product [is] {formula}"],
    ),
    row(
        Rule::ElementCount,
        &[],
        &[
            "has|have|contains|contain|containing {number} {element} atom|atoms",
            "{number} {element} atom|atoms in total|all",
            "number of {element} atoms [is|equals|:] {number}",
        ],
    ),
    // Names.
    row(
        Rule::ChainParent,
        &[
            "The parent {stem} is a chain of {number} carbons",
            "Parent {stem}: a chain of {number} carbons",
            "The parent chain {stem} has {number} carbons",
        ],
        &["parent [chain] [is] {stem} with|has {number} carbons|carbon [atoms]"],
    ),
    row(
        Rule::RingParent,
        &[
            "The parent {stem} is a ring of {number} atoms",
            "Parent {stem}: a ring of {number} atoms",
            "The parent ring {stem} has {number} atoms",
        ],
        &[],
    ),
    row(
        Rule::ChainLength,
        &[],
        &[
            "longest [carbon] chain [has|is|contains|of] {number} carbons|carbon [atoms]",
            "longest [carbon] chain of {number}",
        ],
    ),
    row(
        Rule::Substituents,
        &["It carries {locants}", "Substituents: {locants}", "At the locants: {locants}"],
        &["substituents are|include {locants}"],
    ),
    row(
        Rule::NoSubstituents,
        &["It is unsubstituted", "Substituents are absent", "The chain stays unsubstituted"],
        &[],
    ),
    row(
        Rule::Stereodescriptors,
        &[
            "The name has {number} stereodescriptors",
            "Stereodescriptors: {number}",
            "It lists {number} stereodescriptors",
        ],
        &["{number} stereodescriptors|stereodescriptor"],
    ),
    row(
        Rule::Stereocentres,
        &[],
        &[
            "{number} [chiral|tetrahedral] stereocenters|stereocentres|stereocenter|stereocentre",
            "{number} chiral centers|centres|center|centre",
        ],
    ),
    row(
        Rule::DefinedStereocentres,
        &[],
        &[
            "{number} defined|specified|assigned stereocenters|stereocentres|stereocenter|stereocentre",
            "{number} defined|specified|assigned chiral centers|centres|center|centre",
        ],
    ),
    row(
        Rule::Positions,
        &[
            "Positions {positions} join to {smiles}",
            "The positions {positions} give {smiles}",
            "Writing each position, {positions} makes {smiles}",
        ],
        &[],
    ),
    row(
        Rule::Written,
        &["The structure is {smiles}", "Written out: {smiles}", "This reads {smiles}"],
        &["smiles [string] [is|:] {smiles}"],
    ),
    row(
        Rule::Scaffold,
        &["The ring scaffold is {smiles}", "Ring scaffold: {smiles}", "Its scaffold is {smiles}"],
        &["scaffold [is|of] {smiles}"],
    ),
    // Properties and counts.
    row(Rule::CarbonWalk, &["Carbons: {carbons}", "Counting carbons: {carbons}", "The carbons are {carbons}"], &[]),
    row(
        Rule::PolarWalk,
        &["Polar atoms: {polar}", "Points by polar atom: {polar}", "The polar atoms are {polar}"],
        &[],
    ),
    row(Rule::NoPolarAtoms, &["Polar atoms are absent", "The polar atoms are missing", "It lacks polar atoms"], &[]),
    row(
        Rule::AtLeast,
        &[
            "Twice {number} is {number}, at least {number}",
            "Doubling {number} gives {number}, at least {number}",
            "Two times {number} is {number}, which reaches {number}",
        ],
        &[],
    ),
    row(
        Rule::Below,
        &[
            "Twice {number} is {number}, below {number}",
            "Doubling {number} gives {number}, below {number}",
            "Two times {number} is {number}, which misses {number}",
        ],
        &[],
    ),
    row(
        Rule::Verdict,
        &["The verdict is {yesno}", "Verdict: {yesno}", "This means {yesno}"],
        &["conclusion [is] {yesno}", "final answer [is] {yesno}"],
    ),
    row(
        Rule::HeavyAtoms,
        &["It has {number} heavy atoms", "Size: {number} heavy atoms", "The structure has {number} heavy atoms"],
        &["{number} heavy|non-hydrogen atoms|atom", "heavy atom count [is|of] {number}"],
    ),
    row(
        Rule::Rings,
        &["Ring count: {number}", "The ring count is {number}", "Rings: {number}"],
        &["{number} rings|ring", "ring count of {number}", "number of rings [is] {number}"],
    ),
    row(
        Rule::RingSystems,
        &[],
        &["{number} [fused|separate] ring systems|system", "number of ring systems [is] {number}"],
    ),
    row(Rule::BenzeneRings, &[], &["{number} benzene|phenyl rings|ring"]),
    row(Rule::AromaticRings, &[], &["{number} aromatic rings|ring", "number of aromatic rings [is] {number}"]),
    row(
        Rule::Acyclic,
        &[],
        &["molecule|compound|structure|product is acyclic", "contains|has|have no rings", "does not contain any rings"],
    ),
    row(
        Rule::Donors,
        &["It has {number} donors", "It counts {number} donors", "There are {number} donors"],
        &[
            "{number} [hydrogen|hydrogen-bond|h-bond] [bond] [bonding] donors|donor",
            "number of [hydrogen] [bond] donors [is] {number}",
        ],
    ),
    row(
        Rule::Acceptors,
        &["and {number} acceptors", "with {number} acceptors", "plus {number} acceptors"],
        &[
            "{number} [hydrogen|hydrogen-bond|h-bond] [bond] [bonding] acceptors|acceptor",
            "number of [hydrogen] [bond] acceptors [is] {number}",
        ],
    ),
    row(Rule::RotatableBonds, &[], &["{number} rotatable bonds|bond", "number of rotatable bonds [is] {number}"]),
    row(
        Rule::PolarSurface,
        &["The polar surface is {decimal}", "Polar surface: {decimal}", "Its polar surface is {decimal}"],
        &[
            "polar surface [area] [tpsa] [is|of|equals] [about|approximately|around] {decimal}",
            "tpsa [is|of|value] [of] [about|approximately] {decimal}",
        ],
    ),
    row(
        Rule::LogP,
        &["The estimated lipophilicity is {decimal}", "Lipophilicity: {decimal}", "Its lipophilicity is {decimal}"],
        &["logp [value] [is|of|equals] [about|approximately|around] {decimal}"],
    ),
    row(
        Rule::Weight,
        &[],
        &[
            "molecular weight|mass [is|of|equals] [about|approximately|around] {decimal}",
            "molar mass [is|of] [about|approximately|around] {decimal}",
        ],
    ),
    // Reactions.
    row(
        Rule::ReactantCount,
        &["Reactants: {number}", "The reactant count is {number}", "Number of reactants: {number}"],
        &["{number} reactants|reactant"],
    ),
    row(
        Rule::Reagents,
        &["Reagents: {molecules}", "The reagents are {molecules}", "Reagents present: {molecules}"],
        &[],
    ),
    row(
        Rule::Groups,
        &["has {groups}", "carries {groups}", "contains {groups}"],
        &[
            "have|contain|containing|having|features|feature|featuring|bears|bear|bearing|carrying|possesses|possess|possessing|includes|include|including|shows|exhibits|comprises|holds {groups}",
            "functional groups|group are|is|include|includes|present|identified|as|: {groups}",
            "functional groups|group present [in] [the] [molecule|product|compound|structure] are|is|include|includes {groups}",
            "presence of {groups}",
            "there is|are {groups}",
        ],
    ),
    row(
        Rule::NoGroups,
        &[],
        &[
            "does|do|did not|n't contain|have|feature|include|bear|possess {groups}",
            "doesn't|don't contain|have|feature|include|bear|possess {groups}",
            "contains|has|have|features|contain no|zero {groups}",
            "lacks|lack|lacking|without {groups}",
            "lacks|lack|lacking|without any {groups}",
            "absence of {groups}",
            "free of {groups}",
            "there is|are no {groups}",
        ],
    ),
    row(Rule::GroupsPresent, &[], &["{groups} is|are [also] present"]),
    row(Rule::GroupsAbsent, &[], &["{groups} is|are [also] absent|missing", "no {groups} is|are [present]"]),
    row(
        Rule::NoKnownGroup,
        &["It lacks listed groups", "Listed groups are absent", "It stays free of listed groups"],
        &[],
    ),
    row(
        Rule::ReactionType,
        &["This is {reaction}", "The reaction type is {reaction}", "The type that fits is {reaction}"],
        &[
            "reaction|type|transformation|step|disconnection|synthesis is [a|an|the] [classic|typical|standard] {reaction}",
            "undergo|undergoes|undergoing|via|through|by|as [a|an|the] [classic|typical|standard] {reaction}",
            "this is [a|an|the] [classic|typical|standard] {reaction}",
            "comes from [a|an|the] {reaction}",
            "reaction type [:] {reaction}",
        ],
    ),
    // One style of wording runs through the next three: "it forms ..., breaks ..., releases ...".
    row(
        Rule::BondsFormed,
        &["it forms {bonds}", "forming {bonds}", "new bond {bonds}"],
        &[
            "forms|form|forming|makes|making|creates|creating|formed [a|an|the|new] [new] {bonds} [bond|bonds]",
            "formation of [a|an|the] [new] {bonds} [bond|bonds]",
            "new {bonds} bond|bonds",
            "disconnect|disconnecting|disconnection [of|at] [the] {bonds} [bond|bonds]",
            "bond|bonds formed [is|are|:] {bonds}",
        ],
    ),
    row(
        Rule::BondsBroken,
        &["breaks {bonds}", "breaking {bonds}", "lost bond {bonds}"],
        &[
            "break|breaks|breaking|cleaves|cleave|cleaving [a|an|the] {bonds} [bond|bonds]",
            "cleavage of [a|an|the] {bonds} [bond|bonds]",
            "bond|bonds broken [is|are|:] {bonds}",
        ],
    ),
    row(
        Rule::Leaving,
        &["releases {smiles}", "releasing {smiles}", "side product {smiles}"],
        &[
            "eliminating|eliminates|loses|losing {smiles}",
            "releases|releasing|eliminating|eliminates|loses|losing {formula}",
            "byproduct|by-product [is] {smiles}",
            "byproduct|by-product [is] {formula}",
        ],
    ),
    row(
        Rule::LeavingAtoms,
        &["The atoms {totals} leave", "What leaves holds {totals}", "Leaving atoms: {totals}"],
        &[],
    ),
    row(
        Rule::Parts,
        &["The parts {parts} give {smiles}", "Taking {parts} leads to {smiles}", "From {parts} we get {smiles}"],
        &["joining|combining|cutting {parts} gives {smiles}"],
    ),
    // Groups on request.
    row(
        Rule::Constraint,
        &["The target needs {groups}", "Wanted: {groups}", "The request is {groups}"],
        &["must|should contain|have|include [exactly] {groups}"],
    ),
    row(Rule::Pieces, &["Pieces: {pieces}", "The fragments are {pieces}", "Build with {pieces}"], &[]),
    row(
        Rule::Joined,
        &["Joined they give {smiles}", "Together they make {smiles}", "Linking them yields {smiles}"],
        &[],
    ),
];

/// The teacher's wordings of a rule; empty for rules that only model text uses.
pub fn wordings(rule: Rule) -> &'static [&'static str] {
    SENTENCES.iter().find(|sentence| sentence.rule == rule).map_or(&[], |sentence| sentence.teacher)
}
