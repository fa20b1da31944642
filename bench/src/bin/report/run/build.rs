//! A small echo server, built from nothing: processor seconds, size, crates.
//!
//! The programs are those of `smallest/`, one for each library, as its own documentation would
//! write it; the profile is cargo's release, stripped. Nothing is downloaded: the versions are
//! those that the peers here were built with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgewake_bench::os::process;

use super::{Plan, Sink};
use crate::catalog::How;
use crate::contenders::BUILDS;
use crate::rows::Row;

/// Half of the time of all builds.
const SLOW: [&str; 2] = ["smol", "monoio"];

/// A folder that goes when it drops.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("report: {} stays: {error}", self.0.display());
        }
    }
}

pub(super) fn run(plan: &Plan, sink: &mut Sink) -> io::Result<()> {
    for scenario in plan.of_kind(|how| matches!(how, How::Build)) {
        for &(who, dependencies) in BUILDS {
            if plan.quick && SLOW.contains(&who) {
                sink.leave_out(scenario.name, who, "not built in a quick run")?;
                continue;
            }
            sink.progress.say(&format!("building the small server on {who}"));
            match build(plan, who, dependencies) {
                Ok(values) => {
                    for (metric, value) in values {
                        sink.add(&Row::value(scenario.name, metric, who, 0, value))?;
                    }
                }
                Err(error) => sink.failed(scenario.name, who, &error)?,
            }
        }
    }
    Ok(())
}

fn build(plan: &Plan, who: &str, dependencies: &str) -> io::Result<[(&'static str, f64); 3]> {
    let name = format!("edgewake-smallest-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    let at = &folder.0;
    fs::create_dir(at)?;
    let source = format!("smallest/{}.rs", who.replace(' ', "_"));
    fs::copy(plan.package.join(source), at.join("main.rs"))?;
    fs::copy(plan.package.join("Cargo.lock"), at.join("Cargo.lock"))?;
    fs::write(at.join("Cargo.toml"), manifest(dependencies, &plan.package))?;
    // What is left of the lock file is of this program; making it so is not its build.
    cargo(at, &["metadata", "--format-version", "1"])?;
    let before = process::children_time()?;
    let log = cargo(at, &["build", "--release"])?;
    let cpu = process::children_time()? - before;
    let size = fs::metadata(at.join("target/release/smallest"))?.len();
    let crates = log.lines().filter(|line| line.trim_start().starts_with("Compiling ")).count();
    // One of them is the program.
    let crates = crates.saturating_sub(1) as f64;
    Ok([("cpu_s", cpu), ("stripped_kib", size as f64 / 1024.0), ("crates", crates)])
}

fn manifest(dependencies: &str, package: &Path) -> String {
    let root = package.join("..").display().to_string();
    let dependencies = dependencies.replace("{root}", &root);
    format!(
        "[workspace]\n[package]\nname = \"smallest\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [[bin]]\nname = \"smallest\"\npath = \"main.rs\"\n\
         [profile.release]\nstrip = true\n[dependencies]\n{dependencies}\n"
    )
}

/// Runs cargo without the network and without the caller's target folder; returns its stderr.
fn cargo(at: &Path, arguments: &[&str]) -> io::Result<String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(at).args(arguments).arg("--offline").stdin(Stdio::null());
    for caller in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
        cargo.env_remove(caller);
    }
    let output = cargo.output()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(log),
        false => {
            let first = log.lines().find(|line| line.starts_with("error")).unwrap_or("no reason");
            Err(io::Error::other(format!("cargo {}: {first}", arguments[0])))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_the_library_in_this_checkout() {
        let text = manifest("edgewake = { path = \"{root}\" }", Path::new("/a/bench"));
        assert!(text.ends_with("[dependencies]\nedgewake = { path = \"/a/bench/..\" }\n"));
    }
}
