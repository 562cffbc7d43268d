//! The list of licences of everything in `Cargo.lock`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

const PATH: &str = "licences/dependencies.md";

/// Writes the list.
pub fn write() -> Result<(), String> {
    std::fs::write(PATH, list()?).map_err(|error| format!("{PATH}: {error}"))
}

/// Fails when the list is not what `Cargo.lock` says now.
pub fn check() -> Result<(), String> {
    let stored = std::fs::read_to_string(PATH).map_err(|error| format!("{PATH}: {error}"))?;
    if stored == list()? { Ok(()) } else { Err(format!("{PATH} is out of date: run `cargo xtask licences`")) }
}

fn list() -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .map_err(|error| format!("cargo metadata could not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let mut rows = BTreeSet::new();
    for package in packages {
        // Members of the workspace have no source; they carry the project's own licence.
        if package["source"].is_null() {
            continue;
        }
        let text = |key: &str| package[key].as_str().unwrap_or("not stated").to_owned();
        rows.insert((text("name"), text("version"), text("license")));
    }
    let mut page = String::from(
        "# Licences of the crates in Cargo.lock\n\nWritten by `cargo xtask licences`.\n\n| crate | version | licence |\n|---|---|---|\n",
    );
    for (name, version, licence) in rows {
        let _ = writeln!(page, "| {name} | {version} | {licence} |");
    }
    Ok(page)
}
