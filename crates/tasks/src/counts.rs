//! Lists of counts, e.g. `5 carbon, 2 oxygen`.

/// Most items of a list.
const MAX_ITEMS: usize = 20;

/// Reads a list of counts and names that are all in `names`, each once; blanks and a plural `s` are allowed. Gives the count of each
/// listed name by its place in `names`.
pub(crate) fn parse(text: &str, names: &[&str]) -> Option<Vec<(usize, usize)>> {
    let mut wanted: Vec<(usize, usize)> = Vec::new();
    for item in text.split(',') {
        let (count, name) = item.trim().split_once(' ')?;
        let name = name.trim();
        let place = names.iter().position(|known| name == *known || name.strip_suffix('s') == Some(known))?;
        let count: usize = count.parse().ok().filter(|count| *count <= 999)?;
        if wanted.len() == MAX_ITEMS || wanted.iter().any(|(other, _)| *other == place) {
            return None;
        }
        wanted.push((place, count));
    }
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let names = ["carbon", "oxygen"];
        assert_eq!(parse("5 carbon, 1 oxygens", &names), Some(vec![(0, 5), (1, 1)]));
        for text in ["", "5", "5 neon", "5 carbon, 2 carbon", "-1 carbon", "5 carbon,", "1000 carbon"] {
            assert_eq!(parse(text, &names), None, "{text}");
        }
    }
}
