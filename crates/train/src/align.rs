//! Answers of imported reactions, written so that they follow the text of the question.
//!
//! The canonical SMILES of a reactant and of its product often start at different atoms, so that nothing of one string
//! can be copied to the other. Root-aligned SMILES (Zhong et al., Chem. Sci. 2022, 13, 9023) start both at the same
//! atom. The files have no usable atom maps, so the alignment is found from the strings alone: of all ways to write
//! each molecule (one for each starting atom) the one is taken that shares the longest runs of text with the question.
//! Verification compares molecules, so any way of writing is right.

use chemr_chem::Mol;
use chemr_tasks::Example;

/// Molecules with more heavy atoms keep their canonical text: trying every root costs time and gains little.
const MAX_ROOTS: usize = 60;

/// Opening a gap in the alignment of two texts costs as much as this many matched characters.
const GAP: i32 = 3;

/// Adds `meta["aligned_answer"]` to a reaction that has none.
pub(crate) fn align(example: &mut Example) {
    if example.meta.contains_key("aligned_answer") {
        return;
    }
    let question = match example.task.as_str() {
        "retrosynthesis" => example.field("product").to_string(),
        "reaction_prediction" => example.field("reactants").to_string(),
        _ => return,
    };
    if let Some(answer) = aligned(&question, &example.reference) {
        example.meta.insert("aligned_answer".into(), answer);
    }
}

/// `answer` with every component written from the root that follows `question` best, components in the order in which
/// they occur there. The longest component chooses first; what it matched is taken, so that a second component does not
/// follow the same text.
fn aligned(question: &str, answer: &str) -> Option<String> {
    let mut question: Vec<u8> = question.bytes().collect();
    let mut components: Vec<&str> = answer.split('.').collect();
    components.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let mut written: Vec<(usize, String)> = Vec::new();
    for part in components {
        let mol = Mol::parse(part).ok()?;
        let atoms = mol.atoms().len();
        let roots = if atoms > MAX_ROOTS { 0 } else { atoms };
        let mut best = (match_runs(part.as_bytes(), &question), part.to_string());
        for root in 0..roots {
            let text = mol.rooted_smiles(root);
            let found = match_runs(text.as_bytes(), &question);
            // Ties keep the earlier root, so that the choice does not depend on anything else.
            if found.score > best.0.score {
                best = (found, text);
            }
        }
        for place in &best.0.places {
            question[*place] = 0;
        }
        written.push((best.0.places.first().copied().unwrap_or(question.len()), best.1));
    }
    written.sort();
    Some(written.into_iter().map(|part| part.1).collect::<Vec<_>>().join("."))
}

/// Where a text follows the question.
struct Match {
    /// Matched characters minus [`GAP`] for each gap.
    score: i32,
    /// Matched places in the question, ascending.
    places: Vec<usize>,
}

/// Best local alignment of `text` with `question`, in which a gap on either side costs [`GAP`] however long it is.
fn match_runs(text: &[u8], question: &[u8]) -> Match {
    const NONE: i32 = i32::MIN / 2;
    let (rows, width) = (text.len() + 1, question.len() + 1);
    // `run`: the characters before (i, j) match. `gap`: a gap is open before (i, j).
    let mut run = vec![NONE; rows * width];
    let mut gap = vec![NONE; rows * width];
    let mut best = (0, 0);
    for i in 0..rows {
        for j in 0..width {
            let at = i * width + j;
            if i > 0 && j > 0 && text[i - 1] == question[j - 1] {
                let before = at - width - 1;
                run[at] = 1 + run[before].max(gap[before]).max(0);
                if run[at] > best.0 {
                    best = (run[at], at);
                }
            }
            let above = if i > 0 { gap[at - width] } else { NONE };
            let left = if j > 0 { gap[at - 1] } else { NONE };
            gap[at] = (run[at] - GAP).max(above).max(left);
        }
    }
    let mut places = Vec::new();
    let mut at = best.1;
    let mut in_run = best.0 > 0;
    // Walks back: from a run to what it continued, from a gap to where it opened.
    while at > 0 {
        if in_run {
            places.push(at % width - 1);
            let before = at - width - 1;
            match (run[at] == 1, run[at] == 1 + run[before]) {
                (true, _) => break,
                (false, continues) => in_run = continues,
            }
            at = before;
        } else if gap[at] == run[at] - GAP {
            in_run = true;
        } else if at >= width && gap[at] == gap[at - width] {
            at -= width;
        } else {
            at -= 1;
        }
    }
    places.reverse();
    Match { score: best.0, places }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactants_follow_the_product() {
        // Ethyl 3-chlorobutanoate from the acid and ethanol, both written so that they can be spliced.
        let answer = aligned("CCOC(=O)CC(C)Cl", "CC(Cl)CC(=O)O.CCO").unwrap();
        assert!(answer.starts_with("CCO."), "{answer}");
        for (part, reference) in answer.split('.').zip(["CCO", "CC(Cl)CC(=O)O"]) {
            assert!(Mol::parse(part).unwrap().is_same(&Mol::parse(reference).unwrap()), "{answer}");
        }
        assert!(answer.contains("C(=O)CC(C)Cl"), "{answer}");
    }

    #[test]
    fn long_runs_score_best() {
        let found = |text: &str, question: &str| {
            let found = match_runs(text.as_bytes(), question.as_bytes());
            (found.score, found.places)
        };
        assert_eq!(found("abcdef", "xxabcdef"), (6, vec![2, 3, 4, 5, 6, 7]));
        assert_eq!(found("abcdeXfghij", "abcdefghij"), (10 - GAP, (0..10).collect()));
        assert_eq!(found("abcdefghij", "abcde__fghij").1, [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]);
        assert_eq!(found("q", "abc"), (0, vec![]));
        assert_eq!(found("", ""), (0, vec![]));
    }

    #[test]
    fn other_tasks_and_broken_text_stay_as_they_are() {
        assert_eq!(aligned("CC", "C1CC"), None);
    }
}
