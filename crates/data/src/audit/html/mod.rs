//! `report.html`: the audit as one page that loads nothing from elsewhere.
//!
//! Texts of rows are hostile until they are escaped: every text goes through [`builder::escaped`].

mod builder;
mod sections;

use super::report::Report;
use crate::wording::{counted, duration};
use builder::Page;

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut page = Page(String::with_capacity(1 << 16));
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>chem-r audit</title>\n<style>");
    page.raw(STYLE);
    page.raw("</style></head><body>\n<header><p class=\"brand\">chem-r audit</p>\n<h1>What the data holds</h1>\n");
    page.paragraph(&format!(
        "{} of {}, about {}; {}.",
        counted(report.rows, "row", "rows"),
        counted(report.files.len() as u64, "file", "files"),
        counted(report.molecules, "molecule", "different molecules"),
        duration(report.seconds)
    ));
    page.raw("</header>\n<main>\n");
    sections::summary(&mut page, report);
    sections::fix(&mut page, report);
    sections::leakage(&mut page, report);
    sections::conflicts(&mut page, report);
    sections::duplicates(&mut page, report);
    sections::maps(&mut page, report);
    sections::selection(&mut page, report);
    sections::atoms(&mut page, report);
    sections::balance(&mut page, report);
    sections::lengths(&mut page, report);
    sections::inputs(&mut page, report);
    page.raw("</main></body></html>\n");
    page.0
}

#[cfg(test)]
mod tests {
    use super::super::report::{Place, Severity};
    use super::builder::escaped;
    use super::*;

    #[test]
    fn markup_of_rows_is_text() {
        assert_eq!(escaped("<b a=\"'\">&\u{202e}"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;⟨U+202E⟩");
        let mut page = Page(String::new());
        page.place(&Place {
            place: "<script>".into(),
            task: "<i>".into(),
            split: "<u>".into(),
            text: "</code><img>".into(),
            row: 0,
        });
        page.table(&["<h>"], &[vec!["<td onload=x>".into()]]);
        for tag in ["<script", "<i>", "<u>", "<img", "<h>", "<td onload"] {
            assert!(!page.0.contains(tag), "{tag}: {}", page.0);
        }
    }

    #[test]
    fn severities_have_a_style() {
        for severity in [Severity::None, Severity::Note, Severity::Warning, Severity::Serious] {
            assert!(STYLE.contains(&format!(".severity.{}", severity.name())), "{}", severity.name());
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
