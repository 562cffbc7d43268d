//! The known name that a mistyped one is nearest to.

/// `; did you mean ...?`, or nothing when no known name is near.
pub(super) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate)).min();
    match nearest {
        // Half of the letters wrong is another word.
        Some((distance, candidate)) if distance <= name.chars().count().div_ceil(2).min(4) => {
            format!("; did you mean `{candidate}`?")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_not() {
        let known = ["chebi20", "chembench", "uspto-50k"];
        let of = |name| suggestion(name, known.into_iter());
        assert_eq!(of("chebi-20"), "; did you mean `chebi20`?");
        assert_eq!(of("uspto50k"), "; did you mean `uspto-50k`?");
        assert_eq!(of("zinc"), "");
        assert_eq!(of(""), "");
    }
}
