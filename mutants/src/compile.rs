//! Builds the copy of the workspace that has every mutant inside; mutants that do not compile are
//! found by the compiler's errors, and taken out.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    config::Config,
    find::{CONSTANT_SWITCH, Cfgs, Finder, Mutant, Wrap},
    rewrite::{Rewritten, rewrite},
};

/// A mutated workspace.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    files: Vec<(String, String, Vec<Wrap>)>,
    pub(crate) mutants: Vec<Mutant>,
    pub(crate) not_viable: BTreeSet<usize>,
    /// Proved by the compiler to be the same as what they replace.
    pub(crate) equal: BTreeSet<usize>,
}

/// A program of tests.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) directory: PathBuf,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

impl Workspace {
    /// Copies what is in `source` and finds its mutants.
    pub(crate) fn copy(source: &Path, place: &Path, config: &Config) -> Outcome<Workspace> {
        fs::create_dir_all(place)?;
        let place = place.canonicalize()?;
        let mut found = Workspace::find(source, config)?;
        (found.root, found.target) = (place.join("source"), place.join("target"));
        for name in ["Cargo.toml", "Cargo.lock", "README.md", "build.rs"] {
            copy_changed(&source.join(name), &found.root.join(name), &BTreeSet::new())?;
        }
        let mutated: BTreeSet<_> =
            found.files.iter().map(|(path, ..)| found.root.join(path)).collect();
        for name in ["src", "sys", "tests", "examples"] {
            copy_tree(&source.join(name), &found.root.join(name), &mutated)?;
        }
        Ok(found)
    }

    /// Finds the mutants of `source`.
    pub(crate) fn find(source: &Path, config: &Config) -> Outcome<Workspace> {
        let mut found = Workspace {
            root: PathBuf::new(),
            target: PathBuf::new(),
            files: Vec::new(),
            mutants: Vec::new(),
            not_viable: BTreeSet::new(),
            equal: BTreeSet::new(),
        };
        let mut paths = Vec::new();
        for place in config.places {
            collect(source, place, config, &mut paths)?;
        }
        for path in paths {
            let text = fs::read_to_string(source.join(&path))?;
            let file = syn::parse_file(&text).map_err(|error| format!("{path}: {error}"))?;
            let cfgs = Cfgs(config.cfgs);
            let mut finder = Finder::new(&path, &text, &cfgs, &mut found.mutants);
            syn::visit::Visit::visit_file(&mut finder, &file);
            let wraps = finder.wraps;
            found.files.push((path, text, wraps));
        }
        name_apart(&mut found.mutants);
        Ok(found)
    }

    /// Writes the mutated files, and the switch; of the mutants in constants this one is on.
    fn write(&self, constant: Option<usize>) -> Outcome<BTreeMap<String, Rewritten>> {
        let mut all = BTreeMap::new();
        for (path, text, wraps) in &self.files {
            let mut rewritten = rewrite(text, wraps, &self.not_viable);
            for (id, mutant) in self.mutants.iter().enumerate() {
                if mutant.is_constant && mutant.file == *path {
                    let switch = format!("{CONSTANT_SWITCH}({id})");
                    // As long as the text was, so that the places stay.
                    let is_on = format!("{:1$}", constant == Some(id), switch.len());
                    rewritten.text = rewritten.text.replace(&switch, &is_on);
                }
            }
            write_changed(&self.root.join(path), &rewritten.text)?;
            all.insert(path.clone(), rewritten);
        }
        let features = "#![allow(internal_features)]\n#![feature(const_eval_select)]\n\
            #![feature(core_intrinsics)]\n";
        write_changed(&self.root.join("sys/src/mutant.rs"), include_str!("switch.rs"))?;
        let root = self.root.join("sys/src/lib.rs");
        let text = fs::read_to_string(&root)?;
        if !text.contains("pub mod mutant;") {
            let text = text.replace("pub mod cmsg;", "pub mod cmsg;\npub mod mutant;");
            // After the crate's own text, and before its first item.
            let first = "#[cfg(edgewake_refused)]";
            fs::write(&root, text.replacen(first, &format!("{features}{first}"), 1))?;
        }
        Ok(all)
    }

    /// Compiles the libraries until every mutant left in them does, and finds out which proofs
    /// hold.
    pub(crate) fn settle(&mut self, config: &Config) -> Outcome<()> {
        // What was found of the very same mutants of the very same text need not be found again.
        let mut hasher = DefaultHasher::new();
        for (path, text, _) in &self.files {
            (path, text).hash(&mut hasher);
        }
        for mutant in &self.mutants {
            (mutant.name(), &mutant.proof).hash(&mut hasher);
        }
        let known = self.root.with_file_name(format!("settled-{:016x}", hasher.finish()));
        let has_proof = |id: &usize| self.mutants[*id].proof.is_some();
        let proofs: Vec<_> = (0..self.mutants.len()).filter(has_proof).collect();
        if let Ok(text) = fs::read_to_string(&known) {
            for line in text.lines() {
                match line.strip_prefix('=') {
                    Some(id) => self.equal.insert(id.parse()?),
                    None => self.not_viable.insert(line.parse()?),
                };
            }
        } else {
            self.take_out_all(config)?;
            for id in &proofs {
                // Without its proof it may compile.
                if !self.not_viable.remove(id) {
                    self.equal.insert(*id);
                }
            }
        }
        for id in proofs {
            self.drop_proof(id);
        }
        self.take_out_all(config)?;
        let equal = self.equal.iter().map(|id| format!("={id}"));
        let all: Vec<_> = self.not_viable.iter().map(ToString::to_string).chain(equal).collect();
        fs::write(known, all.join("\n"))?;
        Ok(())
    }

    fn drop_proof(&mut self, id: usize) {
        let Some(proof) = self.mutants[id].proof.take() else { return };
        for wrap in self.files.iter_mut().flat_map(|(.., wraps)| wraps) {
            for (of, text) in &mut wrap.before {
                if *of == Some(id) {
                    *text = text.replacen(&proof, "", 1);
                }
            }
        }
    }

    fn take_out_all(&mut self, config: &Config) -> Outcome<()> {
        for round in 1.. {
            let rewritten = self.write(None)?;
            let mut command = self.cargo(config, "check");
            command.args(["--workspace", "--lib", "--all-features"]);
            let (messages, ok) = messages(&mut command)?;
            if ok {
                return Ok(());
            }
            let before = self.not_viable.len();
            let mut errors = Vec::new();
            for message in &messages {
                self.take_out(message, &rewritten, &mut errors);
            }
            let out = self.not_viable.len() - before;
            println!("-- round {round}: {out} mutants do not compile");
            if out == 0 {
                return Err(format!("no mutant's fault:\n{}", errors.join("\n")).into());
            }
        }
        Ok(())
    }

    fn take_out(
        &mut self,
        message: &Value,
        rewritten: &BTreeMap<String, Rewritten>,
        errors: &mut Vec<String>,
    ) {
        let message = &message["message"];
        if message["level"] != "error" {
            return;
        }
        errors.push(message["rendered"].as_str().unwrap_or_default().to_owned());
        let spans = message["spans"].as_array().cloned().unwrap_or_default();
        let places = |primary: bool| {
            let spans = spans.iter().filter(move |span| span["is_primary"] == primary);
            let found = spans.flat_map(|span| {
                let file = span["file_name"].as_str().unwrap_or_default();
                let start = span["byte_start"].as_u64().unwrap_or_default() as usize;
                let end = span["byte_end"].as_u64().unwrap_or_default() as usize;
                rewritten.get(file).map(|file| file.at(&(start..end))).unwrap_or_default()
            });
            found.collect::<Vec<_>>()
        };
        let mut found = places(true);
        if found.is_empty() {
            found = places(false);
        }
        self.not_viable.extend(found);
    }

    /// Builds the programs of tests.
    pub(crate) fn build(&self, config: &Config) -> Outcome<Vec<Program>> {
        self.programs(config, config.tests)
    }

    /// Builds the unit tests with a mutant in a constant; an error where it does not compile.
    pub(crate) fn build_constant(&self, config: &Config, id: usize) -> Outcome<Vec<Program>> {
        self.write(Some(id))?;
        self.programs(config, &[])
    }

    fn programs(&self, config: &Config, tests: &[&str]) -> Outcome<Vec<Program>> {
        let mut command = self.cargo(config, "test");
        command.args(["--workspace", "--all-features", "--no-run", "--lib"]);
        for name in tests {
            command.args(["--test", name]);
        }
        if config.release {
            command.arg("--release");
        }
        let (messages, ok) = messages(&mut command)?;
        if !ok {
            let errors = messages.iter().filter_map(|m| m["message"]["rendered"].as_str());
            return Err(errors.collect::<Vec<_>>().join("\n").into());
        }
        let mut programs = Vec::new();
        for message in &messages {
            let Some(path) = message["executable"].as_str() else { continue };
            if message["profile"]["test"] != true {
                continue;
            }
            let directory = Path::new(message["manifest_path"].as_str().unwrap_or_default());
            programs.push(Program {
                name: message["target"]["name"].as_str().unwrap_or_default().to_owned(),
                path: PathBuf::from(path),
                directory: directory.parent().unwrap_or(Path::new(".")).to_owned(),
            });
        }
        Ok(programs)
    }

    fn cargo(&self, config: &Config, what: &str) -> Command {
        let flags: Vec<_> = config.flags.iter().map(|flag| format!("--cfg {flag}")).collect();
        let mut command = Command::new("cargo");
        command
            .args([what, "--message-format=json", "-q"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("RUSTFLAGS", format!("--cap-lints=allow {}", flags.join(" ")))
            // For `const_eval_select`: the switch is passed in constant functions too.
            .env("RUSTC_BOOTSTRAP", "edgewake_sys,edgewake")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "1");
        command
    }
}

/// Runs cargo, and returns what it says as JSON, and whether it went well.
fn messages(command: &mut Command) -> Outcome<(Vec<Value>, bool)> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok((messages.collect(), output.status.success()))
}

/// What has the same name in the same file gets a number.
fn name_apart(mutants: &mut [Mutant]) {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for mutant in mutants {
        let count = seen.entry((mutant.file.clone(), mutant.what.clone())).or_default();
        *count += 1;
        if *count > 1 {
            mutant.what = format!("{} #{count}", mutant.what);
        }
    }
}

fn collect(root: &Path, place: &str, config: &Config, paths: &mut Vec<String>) -> Outcome<()> {
    let whole = root.join(place);
    if config.without.iter().any(|out| place.ends_with(out)) {
        return Ok(());
    }
    if whole.is_dir() {
        let mut names = Vec::new();
        for entry in fs::read_dir(&whole)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names {
            collect(root, &format!("{place}/{name}"), config, paths)?;
        }
    } else if place.ends_with(".rs") {
        paths.push(place.to_owned());
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path, mutated: &BTreeSet<PathBuf>) -> Outcome<()> {
    fs::create_dir_all(to)?;
    forget_what_went(from, to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                copy_tree(&entry.path(), &target, mutated)?;
            }
        } else {
            copy_changed(&entry.path(), &target, mutated)?;
        }
    }
    Ok(())
}

/// A module that has moved would be there twice, in a copy of an earlier day. Only the switch is in
/// no source.
fn forget_what_went(from: &Path, to: &Path) -> Outcome<()> {
    for entry in fs::read_dir(to)? {
        let copy = entry?.path();
        let name = copy.file_name().unwrap_or_default();
        let is_source = copy.extension().is_some_and(|extension| extension == "rs");
        if is_source && name != "mutant.rs" && !from.join(name).exists() {
            fs::remove_file(&copy)?;
        }
    }
    Ok(())
}

/// What has not changed keeps its time, so that it is not compiled again. A file that is mutated is
/// compared with what it was made of; it is written by `write`.
fn copy_changed(from: &Path, to: &Path, mutated: &BTreeSet<PathBuf>) -> Outcome<()> {
    let Ok(new) = fs::read(from) else { return Ok(()) };
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let mut before = to.to_owned();
    if mutated.contains(to) || name == "lib.rs" {
        before = to.with_file_name(format!("{name}.original"));
    }
    if fs::read(&before).ok().as_ref() == Some(&new) && to.exists() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(to, &new)?;
    fs::write(before, &new)?;
    Ok(())
}

fn write_changed(path: &Path, text: &str) -> Outcome<()> {
    if fs::read(path).ok().as_deref() != Some(text.as_bytes()) {
        fs::write(path, text)?;
    }
    Ok(())
}
