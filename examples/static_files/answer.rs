//! From a request to its answer: status, header fields, and what to send behind them. Blocks where
//! it asks the file system, so it is called off the loop.

use std::{fmt::Write, fs::File, ops::Range, time::SystemTime};

use crate::{
    conditions::{self, Verdict, Version},
    date, media, page,
    path::Target,
    range::{self, Part},
    request::Request,
    site::{Found, OpenFile, Site},
};

/// What is sent behind the head.
#[derive(Debug)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    File(File, Range<u64>),
}

impl Body {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(_, range) => range.end - range.start,
        }
    }
}

/// An answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// None where nothing may follow.
    pub(crate) body: Option<Body>,
    pub(crate) keep_alive: bool,
}

/// Answers a request.
pub(crate) fn to(request: &Request, site: &Site) -> Answer {
    let mut draft = match request.method.as_str() {
        "GET" | "HEAD" => match Target::parse(&request.target) {
            Some(target) => resource(request, site, &target),
            None => Draft::status(404),
        },
        _ => Draft::status(405).field("Allow", "GET, HEAD"),
    };
    draft.keep_alive = request.keep_alive;
    draft.finish(request.method == "HEAD")
}

/// Answers what was no request, of which this came.
pub(crate) fn to_broken(status: u16, input: &[u8]) -> Answer {
    Draft::status(status).finish(input.starts_with(b"HEAD "))
}

fn resource(request: &Request, site: &Site, target: &Target) -> Draft {
    match site.find(target) {
        Ok(Found::File(file)) => send_file(request, file),
        Ok(Found::Folder(names)) => {
            let page = page::of_folder(&target.folder_url(), &names);
            Draft::page(200, page).field("Cache-Control", "no-cache")
        }
        Ok(Found::MissingSlash) => Draft::status(301).field("Location", &target.folder_url()),
        Err(status) => Draft::status(status),
    }
}

fn send_file(request: &Request, found: OpenFile) -> Draft {
    let OpenFile { file, name, length, modified, tag } = found;
    let version = Version { tag: &tag, modified };
    // A file from the future was modified now, as far as anybody is told (RFC 9110, 8.8.2.1).
    let told = date::format(modified.min(date::seconds(SystemTime::now())));
    let known = |draft: Draft| draft.field("ETag", &tag).field("Last-Modified", &told);
    match conditions::weigh(request, version) {
        Verdict::Answered => {}
        Verdict::Unchanged => return known(Draft { body: None, ..Draft::new(304) }),
        Verdict::Failed => return Draft::status(412),
    }
    let part = match &request.range {
        // It is defined for GET alone (RFC 9110, 14.2).
        Some(range) if request.method == "GET" && conditions::is_same(request, version) => {
            range::parse(range, length)
        }
        _ => Part::Whole,
    };
    let draft = match part {
        Part::Whole => Draft::new(200).body(Body::File(file, 0..length)),
        Part::Bytes(range) => {
            let which = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            Draft::new(206).field("Content-Range", &which).body(Body::File(file, range))
        }
        Part::Unsatisfiable => {
            return Draft::status(416).field("Content-Range", &format!("bytes */{length}"));
        }
    };
    let draft = draft.field("Content-Type", media::of(&name.to_string_lossy()));
    known(draft.field("Accept-Ranges", "bytes"))
}

/// An answer in the making.
struct Draft {
    status: u16,
    fields: String,
    body: Option<Body>,
    keep_alive: bool,
}

impl Draft {
    fn new(status: u16) -> Draft {
        let body = Some(Body::Bytes(Vec::new()));
        Draft { status, fields: String::new(), body, keep_alive: false }
    }

    fn page(status: u16, page: String) -> Draft {
        let draft = Draft::new(status).body(Body::Bytes(page.into_bytes()));
        draft.field("Content-Type", "text/html; charset=utf-8")
    }

    fn status(status: u16) -> Draft {
        Draft::page(status, page::of_status(status))
    }

    fn body(mut self, body: Body) -> Draft {
        self.body = Some(body);
        self
    }

    /// `value` has no line break: it is ours, a number, a date, or percent-encoded.
    fn field(mut self, name: &str, value: &str) -> Draft {
        self.fields.push_str(name);
        self.fields.push_str(": ");
        self.fields.push_str(value);
        self.fields.push_str("\r\n");
        self
    }

    fn finish(self, head_only: bool) -> Answer {
        let Draft { status, fields, body, keep_alive } = self;
        let reason = page::reason(status);
        let date = date::format(date::seconds(SystemTime::now()));
        let connection = if keep_alive { "keep-alive" } else { "close" };
        let mut head = format!(
            "HTTP/1.1 {status} {reason}\r\nDate: {date}\r\nServer: edgewake\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: {connection}\r\n{fields}"
        );
        if let Some(body) = &body {
            // Writing to a string does not fail.
            write!(head, "Content-Length: {}\r\n", body.length()).expect("a string takes it");
        }
        head.push_str("\r\n");
        Answer { status, head, body: body.filter(|_| !head_only), keep_alive }
    }
}
