//! Counts results, and holds the survivors against the list of those that have a reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::Path,
};

use crate::{Options, run::directory};

/// A mutant's file and what is done to it.
type Name = (String, String);

/// In the order of what counts, where a mutant was tested in several configurations.
const FATES: &[&str] = &["caught", "timeout", "survived", "equal", "not-viable"];

/// The last fate of each mutant in a file of results.
fn read(path: &Path) -> Result<BTreeMap<Name, usize>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let &[fate, _, file, _, what, ..] = fields.as_slice() else {
            return Err(format!("{}: not a result: {line}", path.display()).into());
        };
        let fate = FATES.iter().position(|known| *known == fate).ok_or("an unknown fate")?;
        found.insert((file.to_owned(), what.to_owned()), fate);
    }
    Ok(found)
}

/// What a file of results knows.
pub(crate) fn names_of(path: &Path) -> Result<BTreeSet<Name>, Box<dyn Error>> {
    Ok(read(path)?.into_keys().collect())
}

/// What has survived, by a file of results.
pub(crate) fn survivors_of(path: &Path) -> Result<BTreeSet<Name>, Box<dyn Error>> {
    let found = read(path)?.into_iter().filter(|(_, fate)| FATES[*fate] == "survived");
    Ok(found.map(|(name, _)| name).collect())
}

/// The list: file, what is done, reason.
fn reasons(path: &Path) -> Result<BTreeMap<Name, String>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').collect();
        let &[file, what, reason] = fields.as_slice() else {
            return Err(format!("{}: not three fields: {line}", path.display()).into());
        };
        if reason.trim().is_empty() {
            return Err(format!("{}: no reason: {line}", path.display()).into());
        }
        found.insert((file.to_owned(), what.to_owned()), reason.to_owned());
    }
    Ok(found)
}

/// An error over a reason for a mutant that is not among the `known`.
pub(crate) fn check(survivors: &Path, known: &BTreeSet<Name>) -> Result<(), Box<dyn Error>> {
    let reasons = reasons(survivors)?;
    let gone: Vec<_> = reasons.keys().filter(|name| !known.contains(*name)).collect();
    println!("{} reasons, {} of them for what is not there", reasons.len(), gone.len());
    match gone.first() {
        None => Ok(()),
        Some((file, what)) => Err(format!("a reason for what is not there: {file}: {what}").into()),
    }
}

/// Prints the counts; an error over a survivor without a reason, a share of the caught below
/// the least, nothing tested, or a reason for what did not survive.
pub(crate) fn report(options: &Options) -> Result<(), Box<dyn Error>> {
    let (results, survivors, least) = (&options.results, &options.survivors, options.least);
    let mut all: BTreeMap<Name, usize> = BTreeMap::new();
    for path in results {
        for (name, fate) in read(path)? {
            let best = all.entry(name).or_insert(fate);
            *best = fate.min(*best);
        }
    }
    let reasons = reasons(survivors)?;
    let mut wrong = Vec::new();
    for (name, _) in reasons.iter().filter(|(name, _)| !options.part && !all.contains_key(*name)) {
        wrong.push(format!("a reason for what is not there: {}: {}", name.0, name.1));
    }
    let mut table: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    for (name, fate) in &all {
        let has_reason = reasons.contains_key(name);
        // What survives in one configuration alone has its reason all the same.
        let is_elsewhere = reasons.get(name).is_some_and(|why| why.starts_with("elsewhere"));
        for row in [directory(&name.0), "~all"] {
            let counts = table.entry(row).or_default();
            counts[*fate] += 1;
            counts[5] += usize::from(FATES[*fate] == "survived" && has_reason);
        }
        match FATES[*fate] {
            "survived" if !has_reason => wrong.push(format!("no reason: {}: {}", name.0, name.1)),
            "survived" | "timeout" => {}
            _ if has_reason && !is_elsewhere && !options.part => {
                wrong.push(format!("did not survive: {}: {}", name.0, name.1))
            }
            _ => {}
        }
    }
    println!(
        "{:<28} {:>7} {:>7} {:>8} {:>9} {:>12} {:>7} {:>6}",
        "", "viable", "caught", "timeouts", "survivors", "with reason", "share", "equal"
    );
    for (row, [caught, timeouts, survived, equal, _, reasoned]) in &table {
        let viable = caught + timeouts + survived;
        let share = 100.0 * (caught + timeouts) as f64 / viable.max(1) as f64;
        let row = row.trim_start_matches('~');
        print!("{row:<28} {viable:>7} {caught:>7} {timeouts:>8} {survived:>9} ");
        println!("{reasoned:>12} {share:>6.1}% {equal:>6}");
        if row == "all" && share < least {
            wrong.push(format!("{share:.1} % of the viable mutants are caught; {least} % must be"));
        }
    }
    if table.is_empty() {
        wrong.push("no mutant was tested".to_owned());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}
