//! Which of the platform layer's system calls the sweeps have reached: each `syscall!` in its
//! sources is one that a scenario passes, or is listed here with what else tests it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use edgewake_sys::faults::{self, answers};

use crate::sweep::Scenario;

type Elsewhere = (&'static str, &'static str, usize, &'static str);

/// Calls that no scenario makes on Linux: the file, the name, how many, and why.
const ELSEWHERE: &[Elsewhere] = &[
    ("sys/src/pipe.rs", "pipe", 1, "where there is no pipe2"),
    ("sys/src/pipe/end.rs", "fcntl", 1, "F_SETNOSIGPIPE, of Apple and NetBSD"),
    ("sys/src/pipe/transfer.rs", "write", 1, "pwritev2 refused, for good: tests/pipe_sigpipe.rs"),
    ("sys/src/pipe/transfer.rs", "writev", 1, "pwritev2 refused, for good: tests/pipe_sigpipe.rs"),
    ("sys/src/selector/epoll.rs", "dup3", 1, "children and stale events: tests/rebuild.rs"),
    ("sys/src/selector/kqueue/ffi.rs", "kqueue1", 1, "NetBSD's"),
    ("sys/src/socket/accept.rs", "accept", 1, "where there is no accept4"),
    ("sys/src/socket/credentials.rs", "getpeereid", 1, "where there is no SO_PEERCRED"),
    ("sys/src/socket/mmsg.rs", "recvmsg", 1, "where there is no recvmmsg"),
    ("sys/src/socket/mmsg.rs", "sendmsg", 1, "where there is no sendmmsg"),
    ("sys/src/socket/sendfile.rs", "sendfile", 2, "FreeBSD's and Apple's"),
    ("sys/src/socket/vsock.rs", "ioctl", 1, "the device of virtual machines"),
];

/// Those that the other selector and the other notifier make: the same test finds them there.
#[cfg(edgewake_selector = "epoll")]
const OF_THE_OTHERS: &[Elsewhere] = &[
    ("sys/src/notifier/pipe.rs", "read", 1, "make test-faults-kqueue"),
    ("sys/src/notifier/pipe.rs", "write", 1, "make test-faults-kqueue"),
    ("sys/src/selector/kqueue/ffi.rs", "kevent", 1, "make test-faults-kqueue"),
    ("sys/src/selector/kqueue/ffi.rs", "kevent_look", 1, "make test-faults-kqueue"),
    ("sys/src/selector/kqueue/ffi.rs", "kevent_wait", 1, "make test-faults-kqueue"),
    ("sys/src/selector/kqueue/ffi.rs", "kqueue", 1, "make test-faults-kqueue"),
];
#[cfg(edgewake_selector = "kqueue")]
const OF_THE_OTHERS: &[Elsewhere] = &[
    ("sys/src/notifier/eventfd.rs", "eventfd", 1, "make test-faults"),
    ("sys/src/notifier/eventfd.rs", "read", 1, "make test-faults"),
    ("sys/src/notifier/eventfd.rs", "write", 1, "make test-faults"),
    ("sys/src/pipe/end.rs", "poll", 1, "make test-faults"),
    ("sys/src/selector/epoll.rs", "epoll_create1", 1, "make test-faults"),
    ("sys/src/selector/epoll.rs", "epoll_ctl", 1, "make test-faults"),
    ("sys/src/selector/epoll.rs", "epoll_pwait2", 1, "make test-faults"),
    ("sys/src/selector/epoll.rs", "epoll_wait", 1, "make test-faults"),
];

/// Every scenario's faults and every call site, after all sweeps.
pub(crate) fn check(scenarios: &'static [&'static Scenario]) {
    let (mut faults, mut abandoned) = (0, 0);
    for scenario in scenarios {
        let report = scenario.sweep();
        faults += report.faults();
        abandoned += report.abandoned;
    }
    let reached = faults::reached();
    let mut names: Vec<&str> = reached.iter().map(|(name, ..)| *name).collect();
    names.sort_unstable();
    names.dedup();
    writeln!(
        io::stdout(),
        "fault sweep: {faults} faults survived, {abandoned} awaits dropped, in {} scenarios; \
         {} call sites reached, of {} calls: {}",
        scenarios.len(),
        reached.len(),
        names.len(),
        names.join(" ")
    )
    .expect("a standard output");
    for name in names {
        assert!(!answers::of(name).is_empty(), "what can go wrong with {name}?");
    }
    let sites = in_sources();
    if sites.is_empty() {
        writeln!(io::stdout(), "skipped: no sources to compare with").expect("a standard output");
        return;
    }
    compare(&sites, &reached);
}

/// A place as the sources have it: name, file, line.
type Site = (String, String, u32);

fn compare(sites: &[Site], reached: &[faults::Place]) {
    let reached: BTreeSet<(&str, u32)> = reached.iter().map(|(_, file, at)| (*file, *at)).collect();
    let mut unreached: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (name, file, line) in sites {
        if !reached.contains(&(file.as_str(), *line)) {
            *unreached.entry((file, name)).or_default() += 1;
        }
    }
    let listed = ELSEWHERE
        .iter()
        .chain(OF_THE_OTHERS)
        .map(|(file, name, count, _)| ((*file, *name), *count));
    assert_eq!(unreached, listed.collect(), "the calls that no scenario reaches, and the list");
}

/// Every `syscall!` of the platform layer; none where there are no sources, as on a machine that
/// got the test binary alone.
fn in_sources() -> Vec<Site> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("sys/src"), &mut files);
    let mut sites = Vec::new();
    for path in files {
        let file = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        if file == "sys/src/syscall.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source file is UTF-8");
        for (index, line) in text.lines().enumerate() {
            let Some((before, call)) = line.split_once("syscall!(") else { continue };
            if before.trim_start().starts_with("//") {
                continue;
            }
            let path = call.split('(').next().expect("there is a first part");
            let name = path.rsplit("::").next().expect("there is a last part");
            assert!(!name.is_empty(), "{file}:{}: the call is on another line", index + 1);
            sites.push((name.to_owned(), file.clone(), index as u32 + 1));
        }
    }
    sites
}

fn collect(at: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(at) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
