//! What templates of Python programs call on strings: methods of `str` with Python's meaning.
//!
//! `minijinja-contrib` has most of them; here are those that it lacks or whose result differs (what counts as a blank,
//! splitting at blanks, line ends).

use minijinja::value::{Kwargs, Tuple, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

/// Characters that `str.isspace` accepts.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `text.strip(chars)`, or only at one side.
fn strip<'t>(text: &'t str, chars: Option<&str>, left: bool, right: bool) -> &'t str {
    let drop = |character: char| chars.map_or_else(|| is_blank(character), |chars| chars.contains(character));
    let text = if left { text.trim_start_matches(drop) } else { text };
    if right { text.trim_end_matches(drop) } else { text }
}

/// The filter `trim`: `str(value).strip(chars)`.
pub(super) fn trim(value: Value, chars: Option<String>) -> String {
    let text = value.to_string();
    strip(&text, chars.as_deref(), true, true).to_owned()
}

/// The test `sequence`: what has a length and can be indexed, so strings and mappings too.
pub(super) fn is_sequence(value: Value) -> bool {
    matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map)
}

/// The test `iterable`.
pub(super) fn is_iterable(value: Value) -> bool {
    is_sequence(value.clone()) || value.is_undefined() || value.kind() == ValueKind::Iterable
}

/// `text.split(separator, limit)` from the left or from the right; no limit below 0.
fn split(text: &str, separator: Option<&str>, limit: i64, from_right: bool) -> Result<Vec<String>, Error> {
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    match separator {
        Some("") => return Err(Error::new(ErrorKind::InvalidOperation, "split: empty separator")),
        Some(separator) => {
            while left > 0 {
                let cut = if from_right { rest.rsplit_once(separator) } else { rest.split_once(separator) };
                let Some((before, behind)) = cut else { break };
                let (part, more) = if from_right { (behind, before) } else { (before, behind) };
                parts.push(part);
                rest = more;
                left -= 1;
            }
            parts.push(rest);
        }
        None => loop {
            rest = strip(rest, None, !from_right, from_right);
            if rest.is_empty() {
                break;
            }
            let cut = if from_right {
                rest.rfind(is_blank).map(|at| at + rest[at..].chars().next().map_or(0, char::len_utf8))
            } else {
                rest.find(is_blank)
            };
            let (Some(at), true) = (cut, left > 0) else {
                // The last part keeps its inner blanks and loses those at the other end too.
                parts.push(strip(rest, None, from_right, !from_right));
                break;
            };
            let (before, behind) = rest.split_at(at);
            let (part, more) = if from_right { (behind, before) } else { (before, behind) };
            parts.push(part);
            rest = more;
            left -= 1;
        },
    }
    if from_right {
        parts.reverse();
    }
    Ok(parts.into_iter().map(str::to_owned).collect())
}

/// `text.splitlines(keep_ends)`.
fn split_lines(text: &str, keep_ends: bool) -> Vec<String> {
    let is_end =
        |c: char| matches!(c, '\n'..='\r' | '\u{1c}' | '\u{1d}' | '\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_end) {
        let end = match rest[at..].starts_with("\r\n") {
            true => 2,
            false => rest[at..].chars().next().map_or(0, char::len_utf8),
        };
        lines.push(rest[..if keep_ends { at + end } else { at }].to_owned());
        rest = &rest[at + end..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// `text.title()`: a letter behind no letter in upper case, the others in lower case.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        match inside {
            true => out.extend(character.to_lowercase()),
            false => out.extend(character.to_uppercase()),
        }
        inside = character.is_alphabetic();
    }
    out
}

/// Methods on values, called by templates.
///
/// # Errors
/// An unknown method, or arguments that it does not take.
pub(super) fn call_method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return unknown_method_callback(state, value, name, args);
    };
    Ok(match name {
        "strip" | "lstrip" | "rstrip" => {
            let (chars,): (Option<&str>,) = from_args(args)?;
            Value::from(strip(text, chars, name != "rstrip", name != "lstrip"))
        }
        "split" | "rsplit" => {
            let (separator, limit, named): (Option<String>, Option<i64>, Kwargs) = from_args(args)?;
            let separator = match separator {
                Some(separator) => Some(separator),
                None => named.get::<Option<String>>("sep")?,
            };
            let limit = match limit {
                Some(limit) => limit,
                None => named.get::<Option<i64>>("maxsplit")?.unwrap_or(-1),
            };
            named.assert_all_used()?;
            Value::from(split(text, separator.as_deref(), limit, name == "rsplit")?)
        }
        "splitlines" => {
            let (keep_ends, named): (Option<bool>, Kwargs) = from_args(args)?;
            let keep_ends = match keep_ends {
                Some(keep_ends) => keep_ends,
                None => named.get::<Option<bool>>("keepends")?.unwrap_or(false),
            };
            named.assert_all_used()?;
            Value::from(split_lines(text, keep_ends))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let cut = if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match (cut, name) {
                (Some((before, behind)), _) => [before, separator, behind],
                (None, "partition") => [text, "", ""],
                (None, _) => ["", "", text],
            };
            Value::from(Tuple::from(parts.map(Value::from)))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "isspace" => {
            let () = from_args(args)?;
            Value::from(!text.is_empty() && text.chars().all(is_blank))
        }
        "title" => {
            let () = from_args(args)?;
            Value::from(title(text))
        }
        _ => return unknown_method_callback(state, value, name, args),
    })
}
