//! The nearest known name, for messages about a name that is not known.

use crate::metrics::edit_distance;

/// `; did you mean ...?`, or the list of known names when none is near. Of names with dots the last part alone counts, too.
pub fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let tail = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let short = name.rsplit('.').next().unwrap_or(name);
    let distance = |candidate: &&'a str| edit_distance(name, candidate).min(edit_distance(short, tail(candidate)));
    let best = known.iter().map(|candidate| (distance(candidate), *candidate)).min();
    match best {
        Some((distance, candidate)) if distance <= (name.len() / 2).max(2) => {
            format!("; did you mean `{candidate}`?")
        }
        _ if known.is_empty() => String::new(),
        _ => format!("; known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn the_nearest_or_all() {
        let known = || ["grpo.steps", "run.seed"].into_iter();
        assert_eq!(suggestion("grpo.stepz", known()), "; did you mean `grpo.steps`?");
        assert_eq!(suggestion("seed", known()), "; did you mean `run.seed`?");
        assert_eq!(suggestion("colour", known()), "; known here: grpo.steps, run.seed");
        assert_eq!(suggestion("colour", std::iter::empty()), "");
    }
}
