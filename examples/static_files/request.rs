//! Requests: their head is read as httparse finds it, and what matters of it is kept.

use httparse::Status::{Complete, Partial};

/// A head takes at most so many bytes, ...
pub(crate) const HEAD_MAX: usize = 16 * 1024;

/// ... and so many fields.
const FIELDS_MAX: usize = 64;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Whether the connection may go on after the answer.
    pub(crate) keep_alive: bool,
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    pub(crate) if_match: Option<String>,
    pub(crate) if_unmodified_since: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<String>,
}

/// Finds the request at the beginning of `input`, with its length: none if its end has not come.
/// An error is the status to answer with, after which the connection is of no use.
pub(crate) fn first(input: &[u8]) -> Result<Option<(Request, usize)>, u16> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    let length = match parsed.parse(&input[..input.len().min(HEAD_MAX)]) {
        Ok(Complete(length)) => length,
        Ok(Partial) if input.len() >= HEAD_MAX => return Err(431),
        Ok(Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(httparse::Error::Version) => return Err(505),
        Err(_) => return Err(400),
    };
    read(&parsed).map(|request| Some((request, length)))
}

fn read(parsed: &httparse::Request<'_, '_>) -> Result<Request, u16> {
    let http_1_1 = parsed.version == Some(1);
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        keep_alive: http_1_1,
        ..Request::default()
    };
    let (mut hosts, mut body) = (0, false);
    for field in parsed.headers.iter() {
        let name = field.name.to_ascii_lowercase();
        // Bytes beyond ASCII are allowed in some values; none of those that are looked at here.
        let value = String::from_utf8_lossy(field.value);
        let value = value.trim();
        match name.as_str() {
            "host" => hosts += 1,
            "connection" => {
                for option in value.split(',').map(|option| option.trim().to_ascii_lowercase()) {
                    match option.as_str() {
                        "close" => request.keep_alive = false,
                        "keep-alive" if !http_1_1 => request.keep_alive = true,
                        _ => {}
                    }
                }
            }
            "content-length" => body |= value != "0",
            "transfer-encoding" => body = true,
            "range" => request.range = Some(value.to_owned()),
            "if-range" => request.if_range = Some(value.to_owned()),
            "if-match" => request.if_match = Some(value.to_owned()),
            "if-unmodified-since" => request.if_unmodified_since = Some(value.to_owned()),
            "if-none-match" => request.if_none_match = Some(value.to_owned()),
            "if-modified-since" => request.if_modified_since = Some(value.to_owned()),
            _ => {}
        }
    }
    if hosts != 1 && http_1_1 || hosts > 1 {
        return Err(400);
    }
    // What is asked for here has no content. It is not read, so what follows cannot be found.
    if body {
        request.keep_alive = false;
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::{HEAD_MAX, first};

    #[test]
    fn requests_are_found_once_they_are_whole() {
        let head = b"GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(first(&head[..end]), Ok(None), "{end} bytes");
        }
        let both = [head.as_slice(), b"GET /b HTTP/1.0\r\n\r\n"].concat();
        let (request, length) = first(&both).expect("a request").expect("the whole of it");
        assert_eq!((request.target.as_str(), length), ("/a", head.len()));
        assert_eq!(request.range.as_deref(), Some("bytes=1-2"));
        assert!(request.keep_alive);
        let (request, _) = first(&both[length..]).expect("a request").expect("the whole of it");
        assert_eq!((request.target.as_str(), request.keep_alive), ("/b", false));
    }

    #[test]
    fn connections_go_on_as_asked() {
        for (head, keep_alive) in [
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", true),
        ] {
            let (request, _) = first(head.as_bytes()).expect(head).expect(head);
            assert_eq!(request.keep_alive, keep_alive, "{head}");
        }
    }

    #[test]
    fn what_cannot_be_answered_has_its_status() {
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(HEAD_MAX));
        let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(70));
        for (head, status) in [
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost x\r\n\r\n", 400),
            ("\0\r\n\r\n", 400),
            (&long, 431),
            (&many, 431),
        ] {
            assert_eq!(first(head.as_bytes()), Err(status), "{head}");
        }
    }
}
