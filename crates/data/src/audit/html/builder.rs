//! A page that grows, text by text.

use std::fmt::Write;

use super::super::report::{Place, Shown};
use crate::wording::{thousands, visible};

/// Most lines of a table; `audit.json` has all.
pub(super) const MOST_LINES: usize = 200;

/// Text for HTML: odd characters made visible, markup taken away.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A page that grows.
pub(super) struct Page(pub String);

impl Page {
    pub fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }

    pub fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.0, "<p>{}</p>", escaped(text));
    }

    /// Opens a section with what it means.
    pub fn section(&mut self, id: &str, title: &str, about: &str) {
        let _ = write!(
            self.0,
            "<section id=\"{id}\"><h2>{}</h2>\n<p class=\"about\">{}</p>\n",
            escaped(title),
            escaped(about)
        );
    }

    pub fn end(&mut self) {
        self.raw("</section>\n");
    }

    /// A table; columns whose cells are numbers are set right.
    pub fn table(&mut self, heads: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            self.raw("<p class=\"nothing\">Nothing was found.</p>\n");
            return;
        }
        self.raw("<div class=\"scroll\"><table><thead><tr>");
        for head in heads {
            let _ = write!(self.0, "<th scope=\"col\">{}</th>", escaped(head));
        }
        self.raw("</tr></thead><tbody>\n");
        for row in rows.iter().take(MOST_LINES) {
            self.raw("<tr>");
            for cell in row {
                let is_number =
                    cell.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-' || letter == '+');
                let class = if is_number { " class=\"number\"" } else { "" };
                let _ = write!(self.0, "<td{class}>{}</td>", escaped(cell));
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody></table></div>\n");
        if rows.len() > MOST_LINES {
            self.paragraph(&format!("{} more lines are in audit.json.", thousands((rows.len() - MOST_LINES) as u64)));
        }
    }

    pub fn examples(&mut self, title: &str, shown: &[&Shown]) {
        if shown.is_empty() {
            return;
        }
        let _ = writeln!(self.0, "<details><summary>{} ({})</summary>", escaped(title), shown.len());
        for pair in shown.iter().take(MOST_LINES) {
            let similarity = pair.similarity.map_or(String::new(), |value| format!(", similarity {value:.3}"));
            let _ = write!(
                self.0,
                "<div class=\"pair\"><p class=\"what\">{}{}</p>",
                escaped(&pair.what),
                escaped(&similarity)
            );
            self.place(&pair.first);
            self.place(&pair.second);
            self.raw("</div>\n");
        }
        self.raw("</details>\n");
    }

    pub fn place(&mut self, place: &Place) {
        let _ = write!(
            self.0,
            "<p class=\"row\"><span class=\"place\">{}, {}, {}</span><code>{}</code></p>",
            escaped(&place.place),
            escaped(&place.task),
            escaped(&place.split),
            escaped(&place.text)
        );
    }

    pub fn places(&mut self, title: &str, places: &[&Place]) {
        if places.is_empty() {
            return;
        }
        let _ = writeln!(self.0, "<details><summary>{} ({})</summary>", escaped(title), places.len());
        for place in places {
            self.place(place);
        }
        self.raw("</details>\n");
    }
}
