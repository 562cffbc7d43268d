//! Reading the SMILES that the gym writes: no stereo, isotopes or map numbers.

use super::{Element, Node, Order, Sketch};

impl Sketch {
    /// Reads a SMILES of the small set used here. `None` for anything outside it; use `chemr_chem::Mol` for the rest.
    pub fn parse(smiles: &str) -> Option<Sketch> {
        let mut sketch = Sketch::new();
        let bytes = smiles.as_bytes();
        let mut at = 0;
        let mut previous: Option<usize> = None;
        let mut stack = Vec::new();
        let mut order: Option<Order> = None;
        let mut rings: [Option<(usize, Option<Order>)>; 100] = [None; 100];
        while at < bytes.len() {
            match bytes[at] {
                b'(' => stack.push(previous?),
                b')' => previous = Some(stack.pop()?),
                b'.' => {
                    previous = None;
                    order = None;
                }
                b'-' => order = Some(Order::Single),
                b'=' => order = Some(Order::Double),
                b'#' => order = Some(Order::Triple),
                b'0'..=b'9' | b'%' => {
                    let (number, used) = ring_number(&bytes[at..])?;
                    at += used - 1;
                    let atom = previous?;
                    match rings[number].take() {
                        None => rings[number] = Some((atom, order.take())),
                        Some((other, opened)) => {
                            let order = opened.or(order.take()).unwrap_or(sketch.implied_order(other, atom));
                            sketch.bond(other, atom, order);
                        }
                    }
                }
                _ => {
                    let (node, used) = if bytes[at] == b'[' { bracket(&smiles[at..])? } else { plain(&bytes[at..])? };
                    at += used - 1;
                    let atom = sketch.add(node);
                    if let Some(before) = previous {
                        let order = order.take().unwrap_or(sketch.implied_order(before, atom));
                        sketch.bond(before, atom, order);
                    }
                    previous = Some(atom);
                }
            }
            at += 1;
        }
        let closed = rings.iter().all(Option::is_none) && stack.is_empty() && order.is_none();
        (closed && !sketch.is_empty()).then_some(sketch)
    }

    /// A bond without a symbol is aromatic between aromatic atoms. (The writer puts `-` between aromatic rings.)
    fn implied_order(&self, first: usize, second: usize) -> Order {
        if self.nodes[first].aromatic && self.nodes[second].aromatic { Order::Aromatic } else { Order::Single }
    }
}

/// A ring number and the bytes it took.
fn ring_number(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes {
        [b'%', tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => {
            Some((usize::from(tens - b'0') * 10 + usize::from(ones - b'0'), 3))
        }
        [digit @ b'0'..=b'9', ..] => Some((usize::from(digit - b'0'), 1)),
        _ => None,
    }
}

/// An atom of the organic subset and the bytes it took.
fn plain(bytes: &[u8]) -> Option<(Node, usize)> {
    let (symbol, aromatic) = match bytes {
        [b'C', b'l', ..] => return Some((Node::plain(Element::Chlorine), 2)),
        [b'B', b'r', ..] => return Some((Node::plain(Element::Bromine), 2)),
        [byte @ (b'B' | b'C' | b'N' | b'O' | b'P' | b'S' | b'F' | b'I'), ..] => (*byte, false),
        [byte @ (b'b' | b'c' | b'n' | b'o' | b'p' | b's'), ..] => (byte.to_ascii_uppercase(), true),
        _ => return None,
    };
    let element = Element::from_symbol(std::str::from_utf8(&[symbol]).ok()?)?;
    Some((Node { aromatic, ..Node::plain(element) }, 1))
}

/// A bracket atom and the bytes it took.
fn bracket(text: &str) -> Option<(Node, usize)> {
    let end = text.find(']')?;
    let inner = &text[1..end];
    let letters = inner.bytes().take_while(u8::is_ascii_alphabetic).count();
    // The longest symbol that fits: `nH` is an aromatic nitrogen with a hydrogen, `Sn` is tin.
    let (element, aromatic, symbol) = (1..=letters.min(2)).rev().find_map(|length| {
        let symbol = &inner[..length];
        if let Some(element) = Element::from_symbol(symbol) {
            return Some((element, false, length));
        }
        let upper = symbol.to_ascii_uppercase();
        let aromatic = length == 1 && matches!(symbol, "b" | "c" | "n" | "o" | "p" | "s");
        Element::from_symbol(&upper).filter(|_| aromatic).map(|element| (element, true, length))
    })?;
    let mut rest = inner[symbol..].bytes().peekable();
    let mut hydrogens = 0;
    if rest.peek() == Some(&b'H') {
        rest.next();
        hydrogens = 1;
        if let Some(digit) = rest.peek().filter(|byte| byte.is_ascii_digit()) {
            hydrogens = digit - b'0';
            rest.next();
        }
    }
    let mut charge = 0i8;
    if let Some(sign @ (b'+' | b'-')) = rest.peek().copied() {
        rest.next();
        charge = if sign == b'+' { 1 } else { -1 };
        if let Some(digit) = rest.peek().filter(|byte| byte.is_ascii_digit()) {
            charge *= (digit - b'0') as i8;
            rest.next();
        }
    }
    if rest.next().is_some() {
        return None;
    }
    Some((Node { element, aromatic, charge, bracket_hydrogens: Some(hydrogens) }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_brackets() {
        let sketch = Sketch::parse("[nH]1cccc1[N+](=O)[O-]").unwrap();
        assert_eq!(sketch.nodes()[0].bracket_hydrogens, Some(1));
        assert!(sketch.nodes()[0].aromatic);
        assert_eq!(sketch.nodes()[5].charge, 1);
        assert_eq!(Sketch::parse("C[Sn](C)(C)C").unwrap().nodes()[1].element, Element::Tin);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in ["", "C(", "C)", "C1CC", "C==", "[13C]", "C/C=C/C", "[C@H](F)(Cl)Br", "X", "[CH3:1]", "C%1"] {
            assert!(Sketch::parse(text).is_none(), "{text}");
        }
    }
}
