//! Which datasets are known.

use std::path::PathBuf;

use chemr_data::sources::{FetchError, Registry, SourceFile};
use indicatif::DecimalBytes;

#[derive(clap::Args)]
pub struct RegistryArguments {
    /// A registry file of your own (repeatable); it replaces a known dataset of the same name.
    #[arg(long = "registry", value_name = "FILE.toml")]
    files: Vec<PathBuf>,
}

impl RegistryArguments {
    pub fn load(&self) -> Result<Registry, FetchError> {
        let mut registry = Registry::built_in()?;
        for file in &self.files {
            registry.add_file(file)?;
        }
        Ok(registry)
    }
}

/// Length of files together; `+` stands for those whose length is not known.
pub fn size<'a>(files: impl Iterator<Item = &'a SourceFile>) -> String {
    let (mut known, mut unknown) = (0, false);
    for file in files {
        known += file.bytes.unwrap_or(0);
        unknown |= file.bytes.is_none();
    }
    match (known, unknown) {
        (0, true) => "?".to_owned(),
        (known, unknown) => format!("{}{}", DecimalBytes(known), if unknown { " +" } else { "" }),
    }
}
