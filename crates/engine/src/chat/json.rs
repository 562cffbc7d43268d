//! The `tojson` filter, written as Python's `json.dumps` writes it.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

struct Style {
    ensure_ascii: bool,
    /// What one level is indented by; `None` writes everything on one line.
    indent: Option<String>,
    between_items: String,
    behind_key: String,
    sort_keys: bool,
}

/// `value|tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
///
/// # Errors
/// A value that JSON does not have (undefined, functions), or an unknown argument.
pub(super) fn tojson(value: Value, ensure_ascii: Option<bool>, options: Kwargs) -> Result<Value, Error> {
    let refuse = |reason: String| Error::new(ErrorKind::InvalidOperation, format!("tojson: {reason}"));
    if value.is_undefined() {
        return Err(refuse("the value is undefined".to_owned()));
    }
    let ensure_ascii = match ensure_ascii {
        Some(given) => given,
        None => options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
    };
    let indent = options.get::<Option<Value>>("indent")?.filter(|indent| !indent.is_none());
    let indent = indent.map(|indent| match indent.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => usize::try_from(indent.clone()).map(|width| " ".repeat(width)),
    });
    let indent = indent.transpose()?;
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let sort_keys = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;
    let (between_items, behind_key) = match separators.as_deref() {
        Some([items, key]) => (items.clone(), key.clone()),
        Some(_) => return Err(refuse("separators must be a pair of texts".to_owned())),
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let json = serde_json::to_value(&value).map_err(|error| refuse(error.to_string()))?;
    let mut out = String::new();
    write(&json, &Style { ensure_ascii, indent, between_items, behind_key, sort_keys }, 0, &mut out);
    Ok(Value::from(out))
}

fn write(value: &Json, style: &Style, depth: usize, out: &mut String) {
    match value {
        Json::String(text) => write_text(text, style.ensure_ascii, out),
        Json::Number(number) if number.is_f64() => out.push_str(&python_float(number.as_f64().unwrap_or_default())),
        Json::Array(items) => write_items('[', ']', items, style, depth, out, |item, out| {
            write(item, style, depth + 1, out);
        }),
        Json::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            if style.sort_keys {
                entries.sort_by_key(|(key, _)| *key);
            }
            write_items('{', '}', &entries, style, depth, out, |(key, value), out| {
                write_text(key, style.ensure_ascii, out);
                out.push_str(&style.behind_key);
                write(value, style, depth + 1, out);
            });
        }
        other => out.push_str(&other.to_string()),
    }
}

fn write_items<T>(
    open: char,
    close: char,
    items: &[T],
    style: &Style,
    depth: usize,
    out: &mut String,
    mut write_item: impl FnMut(&T, &mut String),
) {
    let new_line = |depth: usize, out: &mut String| {
        if let Some(indent) = &style.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(&style.between_items);
        }
        new_line(depth + 1, out);
        write_item(item, out);
    }
    if !items.is_empty() {
        new_line(depth, out);
    }
    out.push(close);
}

fn write_text(text: &str, ensure_ascii: bool, out: &mut String) {
    // The escapes below 0x20, of the quote and of the backslash are the same on both sides.
    let quoted = Json::String(text.to_owned()).to_string();
    if !ensure_ascii {
        out.push_str(&quoted);
        return;
    }
    for character in quoted.chars() {
        match character {
            _ if character.is_ascii() => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
}

/// The shortest decimal that reads back as the same number, as Python's `repr` writes it: with an exponent from 1e16 and
/// below 1e-4.
fn python_float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        };
    }
    format!("{value:?}")
}
