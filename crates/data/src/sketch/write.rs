//! Writing a sketch as SMILES from a chosen first atom and, if wanted, with a chosen open end.

use super::{Node, Order, Sketch};
use crate::rng::Rng;

/// A depth-first walk over one connected part: who is whose child, and which bonds close rings.
struct Walk {
    children: Vec<Vec<(usize, Order)>>,
    /// Ring-closing bonds at each atom: partner and order, in the order in which digits are written.
    closures: Vec<Vec<(usize, Order)>>,
    /// Atoms below each atom in the walk, itself included.
    weight: Vec<usize>,
    visited: Vec<bool>,
}

impl Sketch {
    /// SMILES of the part that holds `root`, starting there.
    ///
    /// With `end` (an atom of the same part) the text finishes at that atom with all its branches in parentheses, so
    /// that any text appended after it binds to `end`: `Cc1ccc(cc1)` for 4-methylphenyl, to which `O` makes p-cresol.
    /// With `rng` the order of branches is drawn; otherwise smaller branches come first.
    pub fn write(&self, root: usize, end: Option<usize>, rng: Option<&mut Rng>) -> String {
        let mut text = String::with_capacity(self.len() * 3);
        if root >= self.len() {
            return text;
        }
        let mut walk = self.walk(root, rng);
        let open = end.map(|end| (end, self.path_marks(&walk, end)));
        if let Some((_, on_path)) = &open {
            for children in &mut walk.children {
                children.sort_by_key(|&(child, _)| on_path[child]);
            }
        }
        let mut digits: Vec<Option<(usize, usize)>> = Vec::new();
        self.write_atom(root, &walk, open.as_ref().map(|(end, _)| *end), &mut digits, &mut text);
        text
    }

    fn walk(&self, root: usize, mut rng: Option<&mut Rng>) -> Walk {
        let count = self.len();
        let mut walk = Walk {
            children: vec![Vec::new(); count],
            closures: vec![Vec::new(); count],
            weight: vec![1; count],
            visited: vec![false; count],
        };
        self.visit(root, None, &mut walk, &mut rng);
        if rng.is_none() {
            for atom in 0..count {
                let mut children = std::mem::take(&mut walk.children[atom]);
                children.sort_by_key(|&(child, _)| walk.weight[child]);
                walk.children[atom] = children;
            }
        }
        walk
    }

    fn visit(&self, atom: usize, parent: Option<usize>, walk: &mut Walk, rng: &mut Option<&mut Rng>) {
        walk.visited[atom] = true;
        let mut around: Vec<(usize, Order)> = self.neighbours[atom].clone();
        if let Some(rng) = rng {
            rng.shuffle(&mut around);
        }
        for (next, order) in around {
            if Some(next) == parent {
                continue;
            }
            if walk.visited[next] {
                // Seen from the younger atom first; the older one has it already when it comes to look.
                if !walk.closures[atom].iter().any(|&(partner, _)| partner == next) {
                    walk.closures[atom].push((next, order));
                    walk.closures[next].push((atom, order));
                }
            } else {
                self.visit(next, Some(atom), walk, rng);
                walk.weight[atom] += walk.weight[next];
                walk.children[atom].push((next, order));
            }
        }
    }

    /// Marks the atoms from the root to `end`.
    fn path_marks(&self, walk: &Walk, end: usize) -> Vec<bool> {
        let mut parent = vec![usize::MAX; self.len()];
        for (atom, children) in walk.children.iter().enumerate() {
            for &(child, _) in children {
                parent[child] = atom;
            }
        }
        let mut marks = vec![false; self.len()];
        let mut atom = end;
        while atom < marks.len() && !marks[atom] {
            marks[atom] = true;
            atom = parent[atom];
        }
        marks
    }

    fn write_atom(
        &self,
        atom: usize,
        walk: &Walk,
        end: Option<usize>,
        digits: &mut Vec<Option<(usize, usize)>>,
        text: &mut String,
    ) {
        push_node(&self.nodes[atom], text);
        // A digit is free again only after the atom that closes it, so that no atom closes and opens the same one.
        let mut closed = Vec::new();
        for &(partner, order) in &walk.closures[atom] {
            let pair = (atom.min(partner), atom.max(partner));
            let open = digits.iter().position(|slot| *slot == Some(pair));
            let slot = open.or_else(|| digits.iter().position(Option::is_none)).unwrap_or(digits.len());
            if slot == digits.len() {
                digits.push(None);
            }
            if open.is_some() {
                closed.push(slot);
            } else {
                self.push_order(atom, partner, order, text);
                digits[slot] = Some(pair);
            }
            if slot >= 9 {
                text.push('%');
            }
            text.push_str(&(slot + 1).to_string());
        }
        for slot in closed {
            digits[slot] = None;
        }
        let children = &walk.children[atom];
        for (place, &(child, order)) in children.iter().enumerate() {
            let branch = place + 1 < children.len() || end == Some(atom);
            if branch {
                text.push('(');
            }
            self.push_order(atom, child, order, text);
            self.write_atom(child, walk, end, digits, text);
            if branch {
                text.push(')');
            }
        }
    }

    fn push_order(&self, first: usize, second: usize, order: Order, text: &mut String) {
        match order {
            Order::Double => text.push('='),
            Order::Triple => text.push('#'),
            // Without the sign the bond between two rings would be read as aromatic.
            Order::Single if self.nodes[first].aromatic && self.nodes[second].aromatic => text.push('-'),
            Order::Single | Order::Aromatic => {}
        }
    }
}

fn push_node(node: &Node, text: &mut String) {
    let symbol = node.element.symbol();
    let bracket = node.bracket_hydrogens.is_some() || node.charge != 0;
    if bracket {
        text.push('[');
    }
    if node.aromatic {
        text.push_str(&symbol.to_ascii_lowercase());
    } else {
        text.push_str(symbol);
    }
    if bracket {
        match node.bracket_hydrogens.unwrap_or(0) {
            0 => {}
            1 => text.push('H'),
            count => text.push_str(&format!("H{count}")),
        }
        match node.charge {
            0 => {}
            1 => text.push('+'),
            -1 => text.push('-'),
            charge => text.push_str(&format!("{charge:+}")),
        }
        text.push(']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_an_open_end() {
        let tolyl = Sketch::parse("c1ccc(C)cc1").unwrap();
        assert_eq!(tolyl.write(0, None, None), "c1ccc(C)cc1");
        assert_eq!(tolyl.write(4, Some(0), None), "Cc1ccc(cc1)");
        let isopropyl = Sketch::parse("C(C)C").unwrap();
        assert_eq!(isopropyl.write(1, Some(0), None), "CC(C)");
        assert_eq!(isopropyl.write(0, Some(0), None), "C(C)(C)");
    }

    #[test]
    fn smaller_branches_first() {
        let sketch = Sketch::parse("C(CCC)(C)(=O)").unwrap();
        assert_eq!(sketch.write(0, None, None), "C(C)(=O)CCC");
        let biphenyl = Sketch::parse("c1ccccc1-c1ccccc1").unwrap();
        assert_eq!(biphenyl.write(0, None, None), "c1ccccc1-c1ccccc1");
    }

    #[test]
    fn random_writing_keeps_the_graph() {
        let mut rng = Rng::new(5);
        for smiles in ["CC(C)Cc1ccc(C(C)C(=O)O)cc1", "C1CC2CCC1C2", "c1ccc2[nH]ccc2c1", "OC1CCC(CC1)c1ccncc1"] {
            let sketch = Sketch::parse(smiles).unwrap();
            for _ in 0..20 {
                let root = rng.below(sketch.len());
                let text = sketch.write(root, None, Some(&mut rng));
                let again = Sketch::parse(&text).unwrap();
                assert_eq!(again.element_counts(), sketch.element_counts(), "{text}");
                let same = chemr_chem::Mol::parse(&text).unwrap().canonical().to_string();
                assert_eq!(same, chemr_chem::Mol::parse(smiles).unwrap().canonical().to_string(), "{text}");
            }
        }
    }
}
