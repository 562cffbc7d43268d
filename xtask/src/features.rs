//! One build for every command: a package alone must ask for the same features as the workspace.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Fails when `cargo ... -p PACKAGE` would compile a dependency again because of its features.
pub fn check() -> Result<(), String> {
    let all = dependencies(&["--workspace"])?;
    let mut missing = Vec::new();
    for package in packages()? {
        let alone = dependencies(&["--package", &package])?;
        missing.extend(alone.difference(&all).map(|dependency| format!("  {package}: {dependency}")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "dependencies that a package alone builds with other features than the workspace (add them to crates/features):\n{}",
        missing.join("\n")
    ))
}

fn packages() -> Result<Vec<String>, String> {
    let metadata = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"])?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    Ok(packages.iter().filter_map(|package| package["name"].as_str().map(str::to_owned)).collect())
}

/// Every crate with version and features, one line each.
fn dependencies(which: &[&str]) -> Result<BTreeSet<String>, String> {
    let format = ["tree", "--locked", "--prefix", "none", "--format", "{p} features: {f}"];
    let tree = cargo(&[&format, which].concat())?;
    Ok(tree.lines().map(|line| line.trim_end_matches(" (*)").trim_end().to_owned()).collect())
}

fn cargo(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .output()
        .map_err(|error| format!("cargo {} could not start: {error}", arguments[0]))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
