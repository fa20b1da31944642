//! The pages that this server makes itself: a folder's listing, and a sentence for each status.
//! Whatever is not ours in them is escaped. Pure data.

use std::{ffi::OsString, os::unix::ffi::OsStrExt};

use crate::path;

/// What a status is called.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// The page that goes with a status.
pub(crate) fn of_status(status: u16) -> String {
    page(&format!("{status} {}", reason(status)), "")
}

/// A folder's listing. `url` is its path, percent-encoded.
pub(crate) fn of_folder(url: &str, names: &[OsString]) -> String {
    let mut list = String::from("<ul>\n");
    if url != "/" {
        list.push_str("<li><a href=\"../\">../</a></li>\n");
    }
    for name in names {
        let name = name.as_bytes();
        let (bare, slash) = match name.strip_suffix(b"/") {
            Some(bare) => (bare, "/"),
            None => (name, ""),
        };
        // A name with a colon in it would read as a scheme without the dot.
        let link = format!("./{}{slash}", path::encode(bare));
        let text = escape(&String::from_utf8_lossy(name));
        list.push_str(&format!("<li><a href=\"{link}\">{text}</a></li>\n"));
    }
    list.push_str("</ul>\n");
    page(&format!("Index of {}", escape(url)), &list)
}

/// `title` is HTML already.
fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n{body}</html>\n"
    )
}

/// Text as HTML has it, also within a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    use super::of_folder;

    // Goal: no name of a file can become part of the page, or a link to elsewhere.
    #[test]
    fn names_are_escaped() {
        let names = [
            OsString::from("<script>alert(\"1\")</script>"),
            OsString::from("javascript:alert(1)"),
            OsString::from("folder/"),
            OsString::from_vec(vec![b'a', 0xff, b'\n', b'\'']),
        ];
        let page = of_folder("/%3Ca%3E/", &names);
        assert!(!page.contains("<script"), "{page}");
        for link in [
            "<a href=\"./%3Cscript%3Ealert%28%221%22%29%3C%2Fscript%3E\">&lt;script&gt;",
            "<a href=\"./javascript%3Aalert%281%29\">",
            "<a href=\"./folder/\">folder/</a>",
            "<a href=\"./a%FF%0A%27\">a\u{fffd}\n&#39;</a>",
            "<a href=\"../\">",
        ] {
            assert!(page.contains(link), "{link} is missing from {page}");
        }
        assert!(!of_folder("/", &names).contains("../"));
    }
}
