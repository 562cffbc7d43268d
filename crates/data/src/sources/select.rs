//! Which files of a dataset are wanted.

use super::{Dataset, FetchError, Role, SourceFile};

/// A choice among the files of datasets.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Also files that are optional.
    pub all: bool,
    /// Only files with one of these roles; empty: any.
    pub roles: Vec<Role>,
    /// Only files whose path holds one of these texts, optional ones among them; empty: any.
    pub texts: Vec<String>,
}

/// A file to have, with its dataset.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub dataset: &'a Dataset,
    pub file: &'a SourceFile,
}

impl Selection {
    /// The files that fit.
    ///
    /// # Errors
    /// The dataset has no files, or none that fits.
    pub fn of<'a>(&self, dataset: &'a Dataset) -> Result<Vec<Wanted<'a>>, FetchError> {
        if dataset.files.is_empty() {
            return Err(FetchError::NoFiles { dataset: dataset.name.clone(), note: dataset.note.clone() });
        }
        let fits = |file: &&SourceFile| {
            let role = self.roles.is_empty() || file.role.is_some_and(|role| self.roles.contains(&role));
            let text = self.texts.is_empty() || self.texts.iter().any(|text| file.path.contains(text));
            role && text && (!file.optional || self.all || !self.texts.is_empty())
        };
        let found: Vec<Wanted> = dataset.files.iter().filter(fits).map(|file| Wanted { dataset, file }).collect();
        if found.is_empty() {
            let roles: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
            let part = |what: &str, words: &[&str]| match words {
                [] => None,
                _ => Some(format!("{what} {}", words.join(" or "))),
            };
            let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
            let parts = [part("has the role", &roles), part("has a path with", &texts)];
            let wanted = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
            return Err(FetchError::NothingSelected { dataset: dataset.name.clone(), wanted });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Registry;

    fn paths(selection: &Selection, dataset: &str) -> Result<Vec<String>, String> {
        let registry = Registry::built_in().unwrap();
        let found = selection.of(registry.find(dataset).unwrap()).map_err(|error| error.to_string())?;
        Ok(found.iter().map(|wanted| wanted.file.path.clone()).collect())
    }

    #[test]
    fn optional_files_come_only_when_named() {
        let usual = paths(&Selection::default(), "chebi20").unwrap();
        assert_eq!(usual.len(), 3, "{usual:?}");
        let all = paths(&Selection { all: true, ..Selection::default() }, "chebi20").unwrap();
        assert_eq!(all.len(), 12);
        let named = Selection { texts: vec!["MolCA".to_owned()], ..Selection::default() };
        assert_eq!(paths(&named, "chebi20").unwrap(), ["acharkq/MolCA/data/dataset.zip"]);
        let tests = Selection { roles: vec![Role::Test], ..Selection::default() };
        assert_eq!(paths(&tests, "chebi20").unwrap(), ["blender-nlp/MolT5/ChEBI-20_data/test.txt"]);
    }

    #[test]
    fn nothing_to_have_is_an_error() {
        let named = Selection { texts: vec!["nowhere".to_owned()], roles: vec![Role::Test], all: true };
        let message = paths(&named, "chebi20").unwrap_err();
        assert_eq!(
            message,
            "no file of `chebi20` has the role test and has a path with nowhere; `chemr data info chebi20` lists them"
        );
        let message = paths(&Selection::default(), "chembench").unwrap_err();
        assert!(message.starts_with("`chembench` has no files to download. ") && message.contains("git"), "{message}");
    }
}
