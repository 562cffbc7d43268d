//! Wording of reports, and the making visible of odd characters.

/// Text with characters made visible that could change how a page reads: control characters become their pictures, and
/// marks of writing direction and zero-width characters become `⟨U+202E⟩`. HTML escaping is left to the template.
pub fn visible(text: &str) -> String {
    show(text, false)
}

/// [`visible`], with line breaks and tabs kept.
pub fn visible_lines(text: &str) -> String {
    show(text, true)
}

fn show(text: &str, keep_lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' if keep_lines => shown.push(character),
            '\n' => shown.push('↵'),
            '\u{0}'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(character))),
            '\u{7f}' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' => shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character))),
            _ => shown.push(character),
        }
    }
    shown
}

/// At most this many characters, with a note of how many more there are.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_string(),
        Some((end, _)) => format!("{}… ({} more characters)", &text[..end], text[end..].chars().count()),
    }
}

/// `78.5`: a share in per cent.
pub fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `1,234 rows`: a number and what it counts, whose plural ends with `s`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// `4 s`, `3 min 20 s`, `1 h 05 min`.
pub fn duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0).round() as u64 } else { 0 };
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_characters_become_visible() {
        assert_eq!(visible("a\u{202e}b\u{0}\nc"), "a⟨U+202E⟩b␀↵c");
        assert_eq!(visible_lines("a\nb\tc\r"), "a\nb\tc␍");
        assert_eq!(visible("é漢"), "é漢");
    }

    #[test]
    fn one_thing_is_no_plural() {
        let said = [0, 1, 2, 1_000].map(|number| counted(number, "row"));
        assert_eq!(said, ["0 rows", "1 row", "2 rows", "1,000 rows"]);
    }

    #[test]
    fn wording() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(12), "12");
        assert_eq!(duration(4.2), "4 s");
        assert_eq!(duration(59.6), "1 min 00 s");
        assert_eq!(duration(7261.0), "2 h 01 min");
        assert_eq!(duration(f64::NAN), "0 s");
        assert_eq!(shorten("éééé", 2), "éé… (2 more characters)");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
