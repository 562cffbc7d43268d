//! The list of wanted functional groups, e.g. `1 ester, 2 alcohol`.

use chemr_chem::{Group, groups};
use thiserror::Error;

/// Largest count and largest number of groups that a request may hold.
const MAX_COUNT: usize = 99;
const MAX_GROUPS: usize = 20;

/// Why a request cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    #[error("empty list of groups")]
    Empty,
    #[error("more than {MAX_GROUPS} groups")]
    TooMany,
    #[error("`{item}` is not a count and a group name, e.g. `1 ester`")]
    Item { item: String },
    #[error("unknown functional group `{name}`")]
    UnknownGroup { name: String },
    #[error("group `{name}` is listed twice")]
    Repeated { name: String },
}

/// Reads a request: count and group name (or id), separated by commas.
///
/// # Errors
/// When an item is malformed, a group is unknown or listed twice.
pub fn parse(text: &str) -> Result<Vec<(usize, &'static Group)>, RequestError> {
    let mut wanted: Vec<(usize, &'static Group)> = Vec::new();
    for item in text.split(',').map(str::trim) {
        if item.is_empty() {
            return Err(RequestError::Empty);
        }
        if wanted.len() == MAX_GROUPS {
            return Err(RequestError::TooMany);
        }
        let (count, name) = item.split_once(' ').ok_or_else(|| RequestError::Item { item: item.to_string() })?;
        let count: usize = count
            .parse()
            .ok()
            .filter(|count| *count <= MAX_COUNT)
            .ok_or_else(|| RequestError::Item { item: item.to_string() })?;
        let name = name.trim();
        let group = groups()
            .by_name(name)
            .or_else(|| groups().get(name))
            .ok_or_else(|| RequestError::UnknownGroup { name: name.to_string() })?;
        if wanted.iter().any(|(_, other)| other.id == group.id) {
            return Err(RequestError::Repeated { name: name.to_string() });
        }
        wanted.push((count, group));
    }
    Ok(wanted)
}

/// Writes a request, the inverse of [`parse`].
pub fn render(wanted: &[(usize, &Group)]) -> String {
    wanted.iter().map(|(count, group)| format!("{count} {}", group.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_errors() {
        let wanted = parse("1 ester, 2 alcohol").unwrap();
        assert_eq!(
            wanted.iter().map(|(count, group)| (*count, group.name.as_str())).collect::<Vec<_>>(),
            [(1, "ester"), (2, "alcohol")]
        );
        assert_eq!(render(&wanted), "1 ester, 2 alcohol");
        assert_eq!(parse("").unwrap_err(), RequestError::Empty);
        for text in ["ester", "x ester", "1 quux", "1 ester, 2 ester", "1 ester,", "100 ester", "-1 ester"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
