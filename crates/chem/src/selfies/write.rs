//! SMILES from a graph, in the order of its atoms.

use super::graph::Graph;

/// An atom on the way from the root, and what is still to be written of it.
struct Visit {
    atom: usize,
    /// The next of its bonds.
    next: usize,
    /// Written in parentheses.
    branch: bool,
}

/// The SMILES of a graph without aromatic bonds. Ring numbers are given in the order of opening and never again.
pub(super) fn smiles(graph: &Graph) -> String {
    let mut text = String::with_capacity(graph.atoms.len() * 3);
    let mut numbers: Vec<Option<usize>> = vec![None; graph.rings];
    let mut given = 0;
    for (place, &root) in graph.roots.iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        graph.atoms[root].push_smiles(&mut text);
        let mut open = vec![Visit { atom: root, next: 0, branch: false }];
        while let Some(visit) = open.last_mut() {
            let bonds = &graph.bonds[visit.atom];
            let Some(bond) = bonds.get(visit.next) else {
                if visit.branch {
                    text.push(')');
                }
                open.pop();
                continue;
            };
            visit.next += 1;
            if let Some(ring) = bond.ring {
                text.extend(bond.sign());
                let number = *numbers[ring].get_or_insert_with(|| {
                    given += 1;
                    given
                });
                push_ring_number(number, &mut text);
                continue;
            }
            let branch = visit.next < bonds.len();
            if branch {
                text.push('(');
            }
            text.extend(bond.sign());
            graph.atoms[bond.to].push_smiles(&mut text);
            open.push(Visit { atom: bond.to, next: 0, branch });
        }
    }
    text
}

fn push_ring_number(number: usize, text: &mut String) {
    match number {
        0..10 => text.push_str(&number.to_string()),
        10..100 => text.push_str(&format!("%{number}")),
        // `%100` would read as the ring numbers 10 and 0.
        _ => text.push_str(&format!("%({number})")),
    }
}
