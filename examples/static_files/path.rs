//! Paths of URLs: what they name below the root, and names as URLs have them. Pure data.
//!
//! A path is taken apart before it is decoded, and each piece is one name: nothing that it decodes
//! to can be a separator, the folder above, or the end of a C string.

/// The names that a request's target goes through, from the root on, and whether it ends like a
/// folder's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) names: Vec<Vec<u8>>,
    pub(crate) folder: bool,
}

impl Target {
    /// Reads a target as a request line has it: a path, with or without a query, or a whole URL.
    /// None if it names nothing that could be served.
    pub(crate) fn parse(target: &str) -> Option<Target> {
        let path = match target.strip_prefix("http://").or(target.strip_prefix("https://")) {
            Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => target,
        };
        let path = path.split(['?', '#']).next()?.strip_prefix('/')?;
        let mut names = Vec::new();
        for piece in path.split('/').filter(|piece| !piece.is_empty()) {
            let name = decode(piece)?;
            // Hidden files are nobody's business; with them go the folder itself and the one above.
            if name.starts_with(b".") || name.iter().any(|byte| matches!(byte, 0 | b'/' | b'\\')) {
                return None;
            }
            names.push(name);
        }
        let folder = path.is_empty() || path.ends_with('/');
        Some(Target { names, folder })
    }

    /// The path of a folder's own URL, with one slash at either end, whatever was asked for.
    pub(crate) fn folder_url(&self) -> String {
        let mut url = String::from("/");
        for name in &self.names {
            url.push_str(&encode(name));
            url.push('/');
        }
        url
    }
}

/// Undoes percent-encoding; none for a percent sign without two digits.
fn decode(piece: &str) -> Option<Vec<u8>> {
    let mut bytes = piece.bytes();
    let mut decoded = Vec::with_capacity(piece.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    Some(decoded)
}

/// Percent-encodes all but what RFC 3986 calls unreserved.
pub(crate) fn encode(name: &[u8]) -> String {
    let mut encoded = String::with_capacity(name.len());
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{Target, encode};

    fn names(target: &str) -> Option<Vec<String>> {
        let target = Target::parse(target)?;
        Some(target.names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    #[test]
    fn targets_are_taken_apart() {
        let cases: [(&str, &[&str], bool); 8] = [
            ("/", &[], true),
            ("/a/b.txt", &["a", "b.txt"], false),
            ("/a//b/", &["a", "b"], true),
            ("//a", &["a"], false),
            ("/a%20b?x=/../y", &["a b"], false),
            ("/%E2%82%ac#part", &["\u{20ac}"], false),
            ("http://host:80/a", &["a"], false),
            ("http://host", &[], true),
        ];
        for (target, expected, folder) in cases {
            assert_eq!(names(target).expect(target), expected, "{target}");
            assert_eq!(Target::parse(target).expect(target).folder, folder, "{target}");
        }
    }

    // Goal: no way of writing it leads out of the root, or to a hidden file.
    #[test]
    fn ways_out_are_refused() {
        for target in [
            "",
            "*",
            "a",
            "/..",
            "/../a",
            "/a/../../b",
            "/%2e%2e/a",
            "/.%2e/a",
            "/%2E%2E",
            "/./a",
            "/a%2fb",
            "/a%2Fb",
            "/..%2fetc",
            "/%5c..",
            "/a%00b",
            "/.git/config",
            "/%2egit",
            "/%",
            "/%2",
            "/%zz",
            "/%+1",
            "host:80",
            "ftp://host/a",
        ] {
            assert_eq!(names(target), None, "{target}");
        }
    }

    #[test]
    fn names_go_there_and_back() {
        let all: Vec<u8> = (1..=255).filter(|byte| !b"/\\".contains(byte)).collect();
        let url = format!("/x{}", encode(&all));
        assert_eq!(Target::parse(&url).expect("a name").names[0][1..], all);
        assert_eq!(encode(b"a b<\"&>"), "a%20b%3C%22%26%3E");
        let folder = Target::parse("//evil.example/%41").expect("a path").folder_url();
        assert_eq!(folder, "/evil.example/A/");
    }
}
