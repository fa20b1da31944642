//! Names that stay the same from build to build and from machine to machine.
//!
//! Left out of a function's name: the hash of its instance, the numbers that LLVM adds to what it
//! clones, and which of libc's variants of `memcpy` and its like this processor got. Of a file's:
//! where the toolchain and the registry lie. Pure data.

/// Where the C library's and the loader's instructions were written.
pub(crate) const SYSTEM: &str = "libc";

/// Whether an object is the C library or the loader, whose inside is not ours to account for.
pub(crate) fn is_system(object: &str) -> bool {
    let name = object.rsplit('/').next().unwrap_or(object);
    ["libc.so", "libc-", "libm.so", "ld-linux", "ld-musl", "vgpreload"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// A function's name.
pub(crate) fn function(name: &str, object: &str) -> String {
    // foo'2 is foo, called by itself.
    let name = name.split_once('\'').map_or(name, |(name, _)| name);
    if is_system(object) {
        return format!("{SYSTEM}: {}", system_function(name));
    }
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    without_crate_hashes(without_instance_hash(name))
}

/// `__memset_avx2_unaligned_erms` is `memset`, whatever processor it was chosen for.
fn system_function(name: &str) -> &str {
    if name.starts_with("0x") {
        return "(without a name)";
    }
    let name = name.trim_start_matches('_');
    let plain = name.split_once('_').map_or(name, |(plain, _)| plain);
    if ["mem", "str", "wcs"].iter().any(|start| plain.starts_with(start)) { plain } else { name }
}

/// Without `::h0123456789abcdef` at its end (legacy mangling).
fn without_instance_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((rest, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            rest
        }
        _ => name,
    }
}

/// Without `[0123456789abcdef]` after a crate's name (v0 mangling).
fn without_crate_hashes(name: &str) -> String {
    let mut rest = name;
    let mut clean = String::with_capacity(name.len());
    while let Some((before, after)) = rest.split_once('[') {
        clean.push_str(before);
        match after.split_once(']') {
            Some((hash, more))
                if hash.len() >= 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                rest = more;
            }
            _ => {
                clean.push('[');
                rest = after;
            }
        }
    }
    clean + rest
}

/// A source file's name: `core/src/option.rs` of the toolchain, `bytes/src/bytes.rs` of a crate
/// from a registry, and as it is where it is neither.
pub(crate) fn file(path: &str) -> String {
    if path.is_empty() || path == "???" {
        return "(unknown)".to_owned();
    }
    if let Some((_, inside)) =
        path.split_once("/library/").filter(|(root, _)| root.contains("rust"))
    {
        return inside.to_owned();
    }
    if let Some((_, inside)) = path.split_once("/registry/src/") {
        // The registry's own directory, then the crate's with its version.
        let mut parts = inside.splitn(3, '/').skip(1);
        if let (Some(package), Some(rest)) = (parts.next(), parts.next()) {
            let name = package.rsplit_once('-').map_or(package, |(name, _)| name);
            return format!("{name}/{rest}");
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions() {
        let echo = "/x/echo";
        for (name, object, want) in [
            ("edgewake::Driver::turn::h0123456789abcdef", echo, "edgewake::Driver::turn"),
            ("edgewake[1c2d3e4f5a6b7c8d]::turn", echo, "edgewake::turn"),
            ("<[u8; 4] as Debug>::fmt", echo, "<[u8; 4] as Debug>::fmt"),
            ("drop.llvm.1234'2", echo, "drop"),
            ("__memmove_sse2_unaligned", "/lib/libc.so.6", "libc: memmove"),
            ("_int_malloc", "/lib/libc.so.6", "libc: int_malloc"),
            ("recv", "/lib/libc.so.6", "libc: recv"),
            ("0x00001050", "/lib64/ld-linux-x86-64.so.2", "libc: (without a name)"),
        ] {
            assert_eq!(function(name, object), want);
        }
    }

    #[test]
    fn files() {
        for (path, want) in [
            ("/rustc/59807616e/library/core/src/mem/mod.rs", "core/src/mem/mod.rs"),
            ("/usr/src/rustc-1.95.0/library/std/src/io.rs", "std/src/io.rs"),
            ("/h/registry/src/index-1/futures-core-0.3.34/src/lib.rs", "futures-core/src/lib.rs"),
            ("/x/src/task/cell.rs", "/x/src/task/cell.rs"),
            ("???", "(unknown)"),
        ] {
            assert_eq!(file(path), want);
        }
    }
}
