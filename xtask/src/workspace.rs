//! The workspace as cargo sees it: its crates, what each says of itself and what each depends on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    /// Short name: `omnivale-` is left off.
    pub(crate) name: String,
    /// The `description` of its `Cargo.toml`; empty if it has none.
    pub(crate) description: String,
    /// Every dependency it names, of the workspace and from outside.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a crate's dependency tables.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// Short name, as in [`Crate::name`]; the full name for one from outside.
    pub(crate) name: String,
    /// Only tests, examples and benchmarks see it.
    pub(crate) dev: bool,
    /// It is a crate of this workspace.
    pub(crate) ours: bool,
}

/// The workspace's folder.
pub(crate) fn root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(manifest.parent().context("xtask has no parent folder")?.to_path_buf())
}

/// Asks cargo for the workspace's crates, in order of name.
pub(crate) fn load() -> Result<Vec<Crate>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
        .current_dir(root()?)
        .output()
        .context("failed to run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
    let mut crates = array(&metadata["packages"], "packages")?
        .iter()
        .map(read_crate)
        .collect::<Result<Vec<_>>>()?;
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(crates)
}

fn read_crate(package: &Value) -> Result<Crate> {
    let dependencies = array(&package["dependencies"], "dependencies")?
        .iter()
        .map(|dependency| {
            Ok(Dependency {
                name: short(text(&dependency["name"], "a dependency's name")?),
                dev: dependency["kind"] == "dev",
                // Only a path dependency has a path, and every path leads into the workspace.
                ours: dependency["path"].is_string(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Crate {
        name: short(text(&package["name"], "a package's name")?),
        description: package["description"].as_str().unwrap_or_default().to_owned(),
        dependencies,
    })
}

fn short(name: &str) -> String {
    name.strip_prefix("omnivale-").unwrap_or(name).to_owned()
}

fn array<'a>(value: &'a Value, what: &str) -> Result<&'a Vec<Value>> {
    value.as_array().with_context(|| format!("cargo metadata has no list of {what}"))
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str> {
    value.as_str().with_context(|| format!("cargo metadata lacks {what}"))
}
