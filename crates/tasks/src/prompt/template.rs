//! Texts with variables: `{name}` is replaced, `{{` and `}}` are braces.
//!
//! There is no logic in a template on purpose: its variables are checked when it is read, so that writing a prompt cannot fail in the middle
//! of a run, and a row's text is never read as a template.

use crate::suggest::suggestion;

/// A text with variables, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// A text without variables, in which braces mean nothing.
    pub fn plain(text: &str) -> Template {
        Template { source: text.to_owned(), parts: vec![Part::Text(text.to_owned())] }
    }

    /// Reads a template that may use the `known` variables.
    ///
    /// # Errors
    /// What is wrong and how to put it right.
    pub fn parse(source: &str, known: &[&str]) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(place) = rest.find(['{', '}']) {
            text.push_str(&rest[..place]);
            let (brace, after) = rest[place..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("there is a `}` without its `{`; a brace in the text is written `}}`".into());
            }
            let end = after.find(['{', '}', '\n']).filter(|end| after[*end..].starts_with('}'));
            let Some(end) = end else {
                return Err("a `{` is never closed; a brace in the text is written `{{`".into());
            };
            let name = after[..end].trim();
            if !known.contains(&name) {
                let hint = suggestion(name, known.iter().copied());
                return Err(format!("unknown variable `{{{name}}}`{hint}"));
            }
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Variable(name.to_owned()));
            rest = &after[end + 1..];
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Template { source: source.to_owned(), parts })
    }

    /// The text as it stands in the file.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the variable is used.
    pub fn uses(&self, name: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable(used) if used == name))
    }

    /// The text with the values of its variables; values are not read again.
    pub fn render(&self, values: &[(&str, &str)]) -> String {
        let mut written = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => written.push_str(text),
                Part::Variable(name) => {
                    let value = values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
                    written.push_str(value);
                }
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_braces() {
        let template = Template::parse("a {x}{{x}} { y }}}", &["x", "y"]).unwrap();
        assert_eq!(template.render(&[("x", "{y}"), ("y", "2")]), "a {y}{x} 2}");
        assert!(template.uses("x") && template.uses("y") && !template.uses("z"));
        assert_eq!(Template::plain("{x}").render(&[("x", "1")]), "{x}");
        assert_eq!(Template::parse("", &[]).unwrap().render(&[]), "");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (source, wanted) in [
            ("{produkt}", "unknown variable `{produkt}`; did you mean `product`?"),
            ("{}", "unknown variable `{}`"),
            ("{product", "a `{` is never closed; a brace in the text is written `{{`"),
            ("{product\n}", "a `{` is never closed"),
            ("{pro{duct}}", "a `{` is never closed"),
            ("a } b", "there is a `}` without its `{`; a brace in the text is written `}}`"),
            ("{é", "a `{` is never closed"),
        ] {
            let message = Template::parse(source, &["product", "line"]).unwrap_err();
            assert!(message.starts_with(wanted), "{source}: {message}");
        }
    }
}
