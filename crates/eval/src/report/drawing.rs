//! Drawings of molecules, each stored once and used where needed.

use std::collections::BTreeMap;

use chemr_chem::{Depiction, Gate, Mol, svg};
use serde::Serialize;

/// Size of a drawing in its own units.
const WIDTH: u32 = 220;
const HEIGHT: u32 = 150;

/// Most molecules drawn for one text.
const MAX_MOLECULES: usize = 6;

/// A drawn molecule, ready to be put into the page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Symbol {
    pub id: String,
    /// SMILES that is drawn.
    pub smiles: String,
    /// SVG shapes made by the toolkit.
    pub svg: String,
}

/// Drawings by SMILES.
#[derive(Default)]
pub(super) struct Drawings {
    by_smiles: BTreeMap<String, Option<usize>>,
    symbols: Vec<Symbol>,
}

/// A place where a drawing is used.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Picture {
    pub id: String,
    pub smiles: String,
}

impl Drawings {
    /// Pictures of the molecules in a dot-separated SMILES; none when it cannot be read or drawn.
    pub fn pictures(&mut self, smiles: &str) -> Vec<Picture> {
        let Ok(mol) = Mol::parse_with(smiles, &Gate::ANSWER) else {
            return Vec::new();
        };
        let parts = mol.fragments();
        parts.iter().take(MAX_MOLECULES).filter_map(|part| self.picture(part)).collect()
    }

    fn picture(&mut self, mol: &Mol) -> Option<Picture> {
        let key = mol.canonical().to_string();
        if !self.by_smiles.contains_key(&key) {
            let options = Depiction { width: WIDTH, height: HEIGHT, highlight_atoms: Vec::new() };
            let drawn = svg(mol, &options).ok().and_then(|text| shapes(&text));
            let place = drawn.map(|svg| {
                let id = format!("m{}", self.symbols.len());
                self.symbols.push(Symbol { id, smiles: key.clone(), svg });
                self.symbols.len() - 1
            });
            self.by_smiles.insert(key.clone(), place);
        }
        let symbol = &self.symbols[(*self.by_smiles.get(&key)?)?];
        Some(Picture { id: symbol.id.clone(), smiles: symbol.smiles.clone() })
    }

    /// All drawings, in the order of their first use.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }
}

/// Elements that a drawing may hold. The background (`rect`) is left to the page, which has two themes.
const ELEMENTS: [&str; 9] = ["path", "line", "ellipse", "circle", "polygon", "polyline", "g", "text", "tspan"];
/// Attributes that they may have.
const ATTRIBUTES: [&str; 20] = [
    "d",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "rx",
    "ry",
    "r",
    "points",
    "dx",
    "dy",
    "style",
    "fill",
    "stroke",
    "transform",
    "text-anchor",
];

/// The shapes of a drawing, rebuilt from what is known to be harmless: listed elements with listed attributes, nothing
/// that loads or runs. `None` when the text is no drawing.
fn shapes(text: &str) -> Option<String> {
    let start = text.find("<svg")?;
    let body = &text[start..text.rfind("</svg>")?];
    let mut rest = &body[body.find('>')? + 1..];
    let mut kept = String::with_capacity(rest.len());
    let mut inside_text = false;
    while let Some(open) = rest.find('<') {
        if inside_text {
            kept.push_str(&rest[..open].replace('>', "&gt;"));
        }
        rest = &rest[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = &comment[comment.find("-->")? + 3..];
            continue;
        }
        let end = rest.find('>')?;
        let (tag, closed) = (rest[..end].trim_end_matches('/').trim(), rest[..end].ends_with('/'));
        rest = &rest[end + 1..];
        let closing = tag.strip_prefix('/');
        let name = closing.unwrap_or(tag).split_whitespace().next().unwrap_or("");
        if !ELEMENTS.contains(&name) {
            continue;
        }
        if matches!(name, "text" | "tspan") {
            inside_text = closing.is_none() && !closed;
        }
        match closing {
            Some(_) => kept.push_str(&format!("</{name}>")),
            None => {
                kept.push_str(&format!("<{name}{}{}>", attributes(tag), if closed { "/" } else { "" }));
            }
        }
    }
    (kept.matches("</g>").count() == kept.matches("<g").count()).then_some(kept)
}

/// The listed attributes of a tag, each with a blank before it.
fn attributes(tag: &str) -> String {
    let mut kept = String::new();
    let mut rest = tag;
    while let Some(equals) = rest.find('=') {
        let name = rest[..equals].trim_end().rsplit(char::is_whitespace).next().unwrap_or("");
        let value = rest[equals + 1..].trim_start();
        let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
            break;
        };
        let Some(length) = value[1..].find(quote) else { break };
        let text = &value[1..=length];
        let plain = !text.contains(['<', '>', '"', '\'']) && !text.contains("url") && !text.contains("image");
        if ATTRIBUTES.contains(&name) && plain {
            kept.push_str(&format!(" {name}=\"{}\"", text.trim()));
        }
        rest = &value[length + 2..];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_drawing_for_one_molecule() {
        let mut drawings = Drawings::default();
        let first = drawings.pictures("CC(=O)O.OCC");
        assert_eq!(first.len(), 2);
        let again = drawings.pictures("CCO");
        assert_eq!(again[0].id, first[1].id);
        assert_eq!(drawings.symbols().len(), 2);
        assert!(drawings.pictures("not a molecule").is_empty());
        assert!(drawings.symbols()[0].svg.contains("<path d=\""));
    }

    #[test]
    fn only_shapes_remain() {
        let text = "<?xml?><svg width='9'><!-- a --><rect x='0'/><path class='b' d='M 0,0' style='fill:none' onclick='x'/>\
                    <text x='1'>a&lt;</text><script>alert(1)</script><g><image href='http://x'/></g></svg>\n";
        let kept = "<path d=\"M 0,0\" style=\"fill:none\"/><text x=\"1\">a&lt;</text><g></g>";
        assert_eq!(shapes(text).as_deref(), Some(kept));
        assert_eq!(attributes("path style='fill:url(http://x)' d='1'"), " d=\"1\"");
        for bad in ["no drawing", "<svg>", "<svg><g></svg>", "<svg><!-- </svg>"] {
            assert!(shapes(bad).is_none(), "{bad}");
        }
    }
}
