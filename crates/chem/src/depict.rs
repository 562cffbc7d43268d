//! Drawings of molecules as SVG, with highlighted atoms.
//!
//! The toolkit lays out and draws; it cannot highlight. So its drawing is read back: lines that end
//! at unlabelled atoms, and the letters of labelled ones, tell how layout coordinates became
//! pixels, and discs are put behind the atoms there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::error::{ChemError, ErrorClass};
use crate::graph::BondOrder;
use crate::guard::guarded;
use crate::mol::Mol;

/// How to draw a molecule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depiction {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Indices of the atoms to lay a coloured disc behind; bonds between two of them are marked
    /// too. Indices that the molecule does not have are passed over.
    pub highlight_atoms: Vec<usize>,
}

impl Default for Depiction {
    fn default() -> Depiction {
        Depiction { width: 300, height: 220, highlight_atoms: Vec::new() }
    }
}

/// Colour of highlights: a light amber on which all label colours can be read.
const HIGHLIGHT: &str = "#ffd774";

/// Pixels for one unit of the layout, of which a bond has 1.5.
const LARGEST_SCALE: f64 = 30.0;

type Point = [f64; 2];

/// Draws a molecule: one `<svg>` element, to stand in a file or inside an HTML page, on a white
/// ground, elements in RDKit's colours.
///
/// # Errors
/// [`ErrorClass::Internal`] when a side is zero or the toolkit cannot lay the molecule out.
pub fn svg(mol: &Mol, options: &Depiction) -> Result<String, ChemError> {
    let wrong = |error: String| ChemError::new(ErrorClass::Internal, error);
    let placed = guarded(|| mol.toolkit().with_2d_coordinates().map_err(|error| wrong(error.to_string())))?;
    let layout = placed.coordinates_2d().unwrap_or_default();
    let draw =
        |[width, height]: [u32; 2]| guarded(|| placed.to_svg(width, height).map_err(|error| wrong(error.to_string())));
    // The toolkit fills the picture, which makes small molecules huge: they get a smaller one inside.
    let mut size = [options.width, options.height];
    let mut drawing = draw(size)?;
    let scale = view(mol, layout, &shapes(&drawing)).map_or(0.0, |view| view.scale);
    if scale > LARGEST_SCALE {
        size = size.map(|side| ((f64::from(side) * LARGEST_SCALE / scale).ceil() as u32).max(1));
        drawing = draw(size)?;
    }
    let shapes = shapes(&drawing);
    let margin = |all: u32, used: u32| (f64::from(used) - f64::from(all)) / 2.0;
    let (left, top) = (margin(options.width, size[0]), margin(options.height, size[1]));
    let mut text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='{2} {3} {0} {1}'>\n\
         <rect x='{2}' y='{3}' width='{0}' height='{1}' fill='#ffffff'/>\n",
        options.width, options.height, left, top
    );
    let chosen: BTreeSet<usize> = options.highlight_atoms.iter().copied().filter(|atom| *atom < layout.len()).collect();
    if !chosen.is_empty() {
        text.push_str(&highlights(mol, &chosen, layout, &shapes));
    }
    for shape in &shapes {
        text.push_str(&compact(shape.line));
        text.push('\n');
    }
    text.push_str("</svg>\n");
    Ok(text)
}

/// One element of the toolkit's drawing.
struct Shape<'d> {
    line: &'d str,
    /// Atoms of its class: two for a bond, one for a label.
    atoms: Vec<usize>,
    /// Corners of a path, or the anchor of a text.
    points: Vec<Point>,
    /// The letters of a text and their size in pixels.
    label: Option<(&'d str, f64)>,
}

/// Value of an attribute written `name='value'`.
fn attribute<'d>(line: &'d str, name: &str) -> Option<&'d str> {
    let begin = line.find(&format!(" {name}='"))? + name.len() + 3;
    let length = line[begin..].find('\'')?;
    Some(&line[begin..begin + length])
}

/// The paths and texts of the drawing: everything but its frame and ground.
fn shapes(drawing: &str) -> Vec<Shape<'_>> {
    drawing
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("<path") || line.starts_with("<text") || line.starts_with("<ellipse"))
        .map(|line| {
            let atoms = attribute(line, "class")
                .unwrap_or_default()
                .split(' ')
                .filter_map(|class| class.strip_prefix("atom-")?.parse().ok())
                .collect();
            let number = |name| attribute(line, name).and_then(|value| value.parse::<f64>().ok());
            let label = (line.starts_with("<text"))
                .then(|| {
                    let size = line.find("font-size:").and_then(|at| {
                        let rest = &line[at + 10..];
                        rest[..rest.find("px")?].parse::<f64>().ok()
                    })?;
                    let letters = line.split('>').nth(1)?.split('<').next()?;
                    Some((letters, size))
                })
                .flatten();
            let points = match (attribute(line, "d"), number("x"), number("y")) {
                (Some(path), _, _) => path
                    .split(['M', 'L', 'Z'])
                    .filter_map(|pair| {
                        let (x, y) = pair.trim().split_once(',')?;
                        Some([x.trim().parse().ok()?, y.trim().parse().ok()?])
                    })
                    .collect(),
                (None, Some(x), Some(y)) => vec![[x, y]],
                _ => Vec::new(),
            };
            Shape { line, atoms, points, label }
        })
        .collect()
}

/// Drops what SVG assumes anyway, which is more than half of the toolkit's text.
fn compact(line: &str) -> String {
    const DEFAULTS: [&str; 9] = [
        "fill-rule:evenodd;",
        "fill-opacity:1;",
        "stroke-opacity:1;",
        "stroke-opacity:1",
        "stroke-linecap:butt;",
        "stroke-linejoin:miter;",
        "stroke-miterlimit:10;",
        "font-style:normal;font-weight:normal;",
        "text-anchor:start;",
    ];
    let mut short = line.to_string();
    for default in DEFAULTS {
        short = short.replace(default, "");
    }
    short.replace(";' />", "'/>").replace("' >", "'>")
}

/// Where layout coordinates lie in the drawing: pixel = (scale x + left, top - scale y).
#[derive(Clone, Copy, Debug)]
struct View {
    scale: f64,
    left: f64,
    top: f64,
}

impl View {
    fn pixel(&self, [x, y]: Point) -> Point {
        [self.scale * x + self.left, self.top - self.scale * y]
    }

    /// Least squares over pairs of layout and pixel coordinates; `None` where all layouts agree.
    fn fit(pairs: &[(Point, Point)]) -> Option<View> {
        let count = pairs.len() as f64;
        let mean = |value: &dyn Fn(&(Point, Point)) -> f64| pairs.iter().map(value).sum::<f64>() / count;
        let (x, y) = (mean(&|pair| pair.0[0]), mean(&|pair| pair.0[1]));
        let (right, down) = (mean(&|pair| pair.1[0]), mean(&|pair| pair.1[1]));
        let (mut product, mut square) = (0.0, 0.0);
        for (layout, pixel) in pairs {
            let (dx, dy) = (layout[0] - x, layout[1] - y);
            product += dx * (pixel[0] - right) - dy * (pixel[1] - down);
            square += dx * dx + dy * dy;
        }
        let scale = product / square;
        (square > 1e-6 && scale > 0.0).then_some(View { scale, left: right - scale * x, top: down + scale * y })
    }

    fn error(&self, (layout, pixel): &(Point, Point)) -> f64 {
        let at = self.pixel(*layout);
        (at[0] - pixel[0]).hypot(at[1] - pixel[1])
    }
}

/// Finds the view from what is known of the drawing, the most exact evidence first.
fn view(mol: &Mol, layout: &[Point], shapes: &[Shape]) -> Option<View> {
    const TOLERANCE: f64 = 1.0;
    let atoms = mol.atoms();
    let labelled: BTreeSet<usize> =
        shapes.iter().filter(|shape| shape.label.is_some()).flat_map(|shape| shape.atoms.clone()).collect();
    // Ends of bonds at atoms without a label; some belong to the inner line of a double bond.
    let mut ends: Vec<(Point, Point)> = Vec::new();
    for shape in shapes {
        if let ([begin, end], [first, .., last]) = (shape.atoms.as_slice(), shape.points.as_slice()) {
            for (atom, point) in [(begin, first), (end, last)] {
                if let Some(place) = layout.get(*atom).filter(|_| !labelled.contains(atom)) {
                    ends.push((*place, *point));
                }
            }
        }
    }
    // Centres of the element letters of labels: right within a few pixels.
    let mut letters: BTreeMap<usize, (Point, Point)> = BTreeMap::new();
    for shape in shapes {
        let ([atom], Some((letter, size)), [x, y]) =
            (shape.atoms.as_slice(), shape.label, shape.points.first().copied().unwrap_or_default())
        else {
            continue;
        };
        if let (Some(known), Some(place)) = (atoms.get(*atom), layout.get(*atom))
            && known.element.starts_with(letter)
        {
            letters.entry(*atom).or_insert((*place, [x + 0.38 * size, y - 0.36 * size]));
        }
    }
    let mut best: Option<(usize, View)> = None;
    for (index, first) in ends.iter().enumerate().take(60) {
        for second in ends.iter().skip(index + 1).take(60) {
            let Some(candidate) = View::fit(&[*first, *second])
                .filter(|view| view.error(first) < TOLERANCE && view.error(second) < TOLERANCE)
            else {
                continue;
            };
            let support = ends.iter().filter(|pair| candidate.error(pair) < TOLERANCE).count();
            if best.as_ref().is_none_or(|(most, _)| support > *most) {
                best = Some((support, candidate));
            }
        }
    }
    if let Some((_, rough)) = best {
        let close: Vec<(Point, Point)> = ends.iter().filter(|pair| rough.error(pair) < TOLERANCE).copied().collect();
        return View::fit(&close).or(Some(rough));
    }
    let all: Vec<(Point, Point)> = letters.values().copied().chain(ends).collect();
    View::fit(&all).or_else(|| {
        // A single place: no bond tells the scale, so an ordinary bond length is assumed.
        let (layout, pixel) = all.first()?;
        let scale = 25.0;
        Some(View { scale, left: pixel[0] - scale * layout[0], top: pixel[1] + scale * layout[1] })
    })
}

/// Discs behind the chosen atoms and bars behind the bonds between them.
fn highlights(mol: &Mol, chosen: &BTreeSet<usize>, layout: &[Point], shapes: &[Shape]) -> String {
    let Some(view) = view(mol, layout, shapes) else {
        return String::new();
    };
    // RDKit's layout has bonds of 1.5 units.
    let radius = (0.5 * view.scale).clamp(4.0, 24.0);
    let mut text = format!("<g class='highlight' fill='{HIGHLIGHT}' stroke='{HIGHLIGHT}'>\n");
    let joined = mol
        .bonds()
        .into_iter()
        .filter(|bond| bond.order != BondOrder::Other && chosen.contains(&bond.begin) && chosen.contains(&bond.end));
    for bond in joined {
        let ([x1, y1], [x2, y2]) = (view.pixel(layout[bond.begin]), view.pixel(layout[bond.end]));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<line x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}' stroke-width='{:.1}'/>",
            1.2 * radius
        );
    }
    for atom in chosen {
        let [x, y] = view.pixel(layout[*atom]);
        let _ = writeln!(text, "<circle cx='{x:.1}' cy='{y:.1}' r='{radius:.1}'/>");
    }
    text.push_str("</g>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(smiles: &str, atoms: &[usize]) -> String {
        let options = Depiction { highlight_atoms: atoms.to_vec(), ..Depiction::default() };
        svg(&Mol::parse(smiles).unwrap(), &options).unwrap()
    }

    /// Centres of the discs.
    fn discs(drawing: &str) -> Vec<Point> {
        drawing
            .lines()
            .filter(|line| line.starts_with("<circle"))
            .map(|line| ["cx", "cy"].map(|name| attribute(line, name).unwrap().parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_drawing_is_one_svg_element() {
        let drawing = draw("CC(=O)OC[C@H](N)c1ccccc1", &[]);
        assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"));
        assert_eq!(drawing.matches("<svg").count(), 1);
        assert!(drawing.contains("width='300' height='220' viewBox='0 0 300 220'"));
        assert!(!drawing.contains("highlight"));
        assert!(drawing.matches("<path").count() > 12);
        assert!(drawing.len() < 6_000, "{}", drawing.len());
    }

    #[test]
    fn discs_lie_on_the_ends_of_bonds() {
        // Three methyl groups: no labels, so every bond ends exactly at its atoms.
        let drawing = draw("CC(C)C", &[0, 1, 2, 3]);
        let discs = discs(&drawing);
        assert_eq!(discs.len(), 4);
        for shape in shapes(&drawing).iter().filter(|shape| shape.atoms.len() == 2) {
            for (atom, point) in shape.atoms.iter().zip([shape.points[0], shape.points[1]]) {
                let disc = discs[*atom];
                let distance = (disc[0] - point[0]).hypot(disc[1] - point[1]);
                assert!(distance < 0.3, "{distance}");
            }
        }
    }

    #[test]
    fn labelled_atoms_are_found_too() {
        for (smiles, atoms, letters) in [
            ("CC(=O)O", vec![2, 3], vec!["O", "O"]),
            ("CC(C)Br", vec![3], vec!["B"]),
            ("OO", vec![0, 1], vec!["O", "O"]),
            ("[Na+].[Cl-]", vec![0, 1], vec!["N", "C"]),
            ("O", vec![0], vec!["O"]),
            ("N#N", vec![0], vec!["N"]),
            ("c1ccncc1", vec![3], vec!["N"]),
        ] {
            let drawing = draw(smiles, &atoms);
            let discs = discs(&drawing);
            assert_eq!(discs.len(), atoms.len(), "{smiles}");
            for ((atom, letter), disc) in atoms.iter().zip(letters).zip(discs) {
                let near = shapes(&drawing).iter().any(|shape| {
                    let [x, y] = shape.points[0];
                    shape.atoms == [*atom]
                        && shape.label.is_some_and(|(text, size)| {
                            let distance = (disc[0] - x - 0.36 * size).hypot(disc[1] - y + 0.36 * size);
                            text.starts_with(letter) && distance < 0.35 * size
                        })
                });
                assert!(near, "{smiles} {atom} {disc:?}\n{drawing}");
            }
        }
    }

    #[test]
    fn everything_stays_inside_the_picture() {
        for smiles in ["CC(=O)Oc1ccccc1C(=O)O", "C1CC2CCC1CC2", "CCCCCCCCCCCC", "OC(=O)C=C.[K+]"] {
            let mol = Mol::parse(smiles).unwrap();
            let all: Vec<usize> = (0..mol.atoms().len()).collect();
            for [x, y] in discs(&draw(smiles, &all)) {
                assert!((-0.1..300.0).contains(&x) && (-0.1..220.0).contains(&y), "{smiles}");
            }
        }
    }

    #[test]
    fn small_molecules_are_not_blown_up() {
        let drawing = draw("CC", &[0, 1]);
        let [first, second] = discs(&drawing).try_into().unwrap();
        let bond = f64::hypot(first[0] - second[0], first[1] - second[1]);
        assert!((30.0..=46.0).contains(&bond), "{bond}");
        let wide = attribute(drawing.lines().next().unwrap(), "viewBox").unwrap();
        let [left, top, width, height]: [f64; 4] =
            wide.split(' ').map(|side| side.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap();
        // The middle of the bond is the middle of the picture.
        assert!((left + width / 2.0 - (first[0] + second[0]) / 2.0).abs() < 1.5, "{drawing}");
        assert!((top + height / 2.0 - (first[1] + second[1]) / 2.0).abs() < 1.5, "{drawing}");
    }

    #[test]
    fn bad_requests_are_survived() {
        assert!(!draw("CC", &[7]).contains("<circle"));
        let none = Depiction { width: 0, ..Depiction::default() };
        assert_eq!(svg(&Mol::parse("CC").unwrap(), &none).unwrap_err().class, ErrorClass::Internal);
    }
}
