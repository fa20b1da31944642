//! The file server of `examples/static_files`, asked by curl where it is installed, and byte by
//! byte.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "../examples/static_files/answer.rs"]
mod answer;
#[path = "../examples/static_files/body.rs"]
mod body;
#[path = "../examples/common"]
mod common {
    #[allow(clippy::print_stderr, dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod command_line;
    #[allow(dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod lines;
    pub(crate) mod numbers;
}
#[path = "../examples/static_files/conditions.rs"]
mod conditions;
#[path = "../examples/static_files/connection.rs"]
mod connection;
#[path = "../examples/static_files/date.rs"]
mod date;
#[path = "../examples/static_files/log.rs"]
#[allow(dead_code, reason = "a program's, of which a part is used")]
mod log;
#[path = "../examples/static_files/media.rs"]
mod media;
#[path = "support/outputs.rs"]
mod outputs;
#[path = "../examples/static_files/page.rs"]
mod page;
#[path = "../examples/static_files/path.rs"]
mod path;
#[path = "support/peer.rs"]
mod peer;
#[path = "../examples/static_files/range.rs"]
mod range;
#[path = "../examples/static_files/request.rs"]
mod request;
#[path = "../examples/static_files/server.rs"]
mod server;
#[path = "../examples/static_files/site.rs"]
mod site;
mod support;
#[path = "support/tools.rs"]
mod tools;

use std::{
    fs,
    io::{
        ErrorKind::{TimedOut, WouldBlock},
        Read, Write,
    },
    net::{SocketAddr, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    pin::pin,
    rc::Rc,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use body::Method;
use common::lines::{Lines, QUEUE};
use edgewake::Runtime;
use futures::{channel::oneshot, future::select};
use log::Log;
use outputs::{Broken, Gated, Written};
use peer::pattern;
use server::{Limits, Server};
use site::Site;
use support::{deadline, eventually};

/// More than any socket's buffers hold, and not a whole number of blocks.
const LARGE: usize = (8 << 20) + 77;

fn large() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| pattern(3, LARGE))
}

/// A folder with something in it; it goes when it drops.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("edgewake-files-{}-{count}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir_all(folder.0.join("root/sub/indexed")).unwrap();
        folder.write("secret.txt", b"secret");
        folder.write("root/small.txt", b"hello, world\n");
        folder.write("root/empty.html", b"");
        folder.write("root/.hidden", b"secret");
        folder.write("root/large.bin", large());
        folder.write("root/sub/<b>&.txt", b"markup");
        folder.write("root/sub/indexed/index.html", b"<p>an index");
        let root = folder.root();
        symlink("../secret.txt", root.join("leak.txt")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("small.txt", root.join("inside.txt")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        symlink(".hidden", root.join("shown.txt")).unwrap();
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a name of ASCII").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Serves the folder in a thread, while the body runs.
fn with_server(method: Method, body: impl FnOnce(&Folder, SocketAddr) + Send + 'static) {
    with_limits(method, Limits::default(), body);
}

fn with_limits(
    method: Method,
    limits: Limits,
    body: impl FnOnce(&Folder, SocketAddr) + Send + 'static,
) {
    with_lines(method, limits, None, body);
}

fn with_lines(
    method: Method,
    limits: Limits,
    lines: Option<Lines>,
    body: impl FnOnce(&Folder, SocketAddr) + Send + 'static,
) {
    deadline(move || {
        let folder = Folder::new();
        let (server, address, stop) = serve(&folder.root(), method, limits, lines);
        body(&folder, address);
        drop(stop);
        server.join().unwrap();
    });
}

/// Stops once the sender drops.
fn serve(
    root: &Path,
    method: Method,
    limits: Limits,
    lines: Option<Lines>,
) -> (thread::JoinHandle<()>, SocketAddr, oneshot::Sender<()>) {
    let site = Arc::new(Site::new(root).unwrap());
    let runtime = || Runtime::new().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, told) = mpsc::channel();
    let server = thread::spawn(move || {
        let listening = async {
            let listener = server::listen(([127, 0, 0, 1], 0).into()).unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let server = Rc::new(Server { site, method, limits, log: Log::new(lines) });
            select(stopped, pin!(server::accept(listener, server))).await;
        };
        runtime().block_on(listening);
    });
    (server, told.recv().unwrap(), stop)
}

/// Sends `requests` and the end, and returns all that comes until the server's end.
fn exchange(address: SocketAddr, requests: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(requests).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    answers
}

fn get(address: SocketAddr, target: &str, fields: &str) -> (u16, String, Vec<u8>) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    split(&exchange(address, request.as_bytes()))
}

/// An answer's status, head and body.
fn split(answer: &[u8]) -> (u16, String, Vec<u8>) {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(answer[..end].to_vec()).expect("a head of ASCII");
    let status = head.strip_prefix("HTTP/1.1 ").expect("a status line")[..3].parse().unwrap();
    (status, head, answer[end..].to_vec())
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn both(body: impl Fn(&Folder, SocketAddr) + Send + Copy + 'static) {
    for method in [Method::SendFile, Method::Copy] {
        with_server(method, body);
    }
}

// Goal: files come whole, with what a client needs to know of them.
#[test]
fn files_come_whole() {
    both(|_, address| {
        let (status, head, body) = get(address, "/small.txt", "");
        assert_eq!((status, body.as_slice()), (200, b"hello, world\n".as_slice()));
        assert_eq!(field(&head, "Content-Type"), Some("text/plain; charset=utf-8"));
        assert_eq!(field(&head, "Content-Length"), Some("13"));
        let (status, _, body) = get(address, "/large.bin?query=/..", "");
        assert_eq!(status, 200);
        assert!(body == large(), "{} bytes", body.len());
        assert_eq!(get(address, "/empty.html", "").2, b"");
        assert_eq!(get(address, "/inside.txt", "").2, b"hello, world\n");
        assert_eq!(get(address, "/sub/indexed/", "").2, b"<p>an index");
    });
}

// Goal: several requests at once are answered in order, and what follows a request that was
// refused is not taken for one.
#[test]
fn requests_may_be_sent_ahead() {
    both(|_, address| {
        let request = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let targets = ["/small.txt", "/none", "/large.bin", "/sub", "/empty.html", "/small.txt"];
        let requests: String = targets.iter().map(|target| request(target)).collect();
        let answers = exchange(address, requests.as_bytes());
        let mut rest = answers.as_slice();
        for (target, expected) in targets.iter().zip([200, 404, 200, 301, 200, 200]) {
            let (status, head, _) = split(rest);
            assert_eq!(status, expected, "{target}");
            let length: usize = field(&head, "Content-Length").unwrap().parse().unwrap();
            let body = &rest[head.len()..head.len() + length];
            if *target == "/large.bin" {
                assert!(body == large());
            }
            rest = &rest[head.len() + length..];
        }
        assert!(rest.is_empty(), "{} bytes more", rest.len());

        let smuggled = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n";
        let answers = exchange(address, (smuggled.to_owned() + &request("/small.txt")).as_bytes());
        let answers = String::from_utf8_lossy(&answers).into_owned();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        assert!(answers.starts_with("HTTP/1.1 405 "), "{answers}");
    });
}

#[test]
fn ranges_are_parts() {
    both(|_, address| {
        let large = large();
        let part = |range: &str| get(address, "/large.bin", &format!("Range: bytes={range}\r\n"));
        let (status, head, body) = part("1000-1099");
        assert_eq!((status, body.as_slice()), (206, &large[1000..1100]));
        assert_eq!(field(&head, "Content-Range"), Some(&*format!("bytes 1000-1099/{LARGE}")));
        assert_eq!(part("-5").2, large[LARGE - 5..]);
        let (status, _, body) = part(&format!("{}-", LARGE - 3_000_000));
        assert!(status == 206 && body == large[LARGE - 3_000_000..], "{} bytes", body.len());
        let (status, head, _) = part(&format!("{LARGE}-"));
        assert_eq!(
            (status, field(&head, "Content-Range")),
            (416, Some(&*format!("bytes */{LARGE}")))
        );

        let tag = field(&part("0-0").1, "ETag").unwrap().to_owned();
        let resume = |tag: &str| {
            let fields = format!("Range: bytes=5-9\r\nIf-Range: {tag}\r\n");
            get(address, "/large.bin", &fields).0
        };
        assert_eq!((resume(&tag), resume("\"another\"")), (206, 200));
    });
}

#[test]
fn conditions_are_kept() {
    with_server(Method::Copy, |folder, address| {
        let with =
            |field: &str, value: &str| get(address, "/small.txt", &format!("{field}: {value}\r\n"));
        let (_, head, _) = get(address, "/small.txt", "");
        let tag = field(&head, "ETag").unwrap();
        let date = field(&head, "Last-Modified").unwrap();
        let (status, head, body) = with("If-None-Match", tag);
        assert_eq!((status, body.len(), field(&head, "Content-Length")), (304, 0, None));
        assert_eq!(with("If-None-Match", &format!("\"x\", W/{tag}")).0, 304);
        assert_eq!(with("If-None-Match", "\"x\"").0, 200);
        assert_eq!(with("If-Modified-Since", date).0, 304);
        assert_eq!(with("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT").0, 200);
        assert_eq!(with("If-Modified-Since", "whenever").0, 200);
        assert_eq!(with("If-Match", &format!("\"x\", {tag}")).0, 200);
        assert_eq!(with("If-Match", &format!("W/{tag}")).0, 412);
        assert_eq!(with("If-Match", "*").0, 200);
        assert_eq!(with("If-Unmodified-Since", date).0, 200);
        assert_eq!(with("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT").0, 412);
        folder.write("root/small.txt", b"something longer than it was");
        assert_eq!(with("If-None-Match", tag).0, 200);
        assert_eq!(with("If-Match", tag).0, 412);

        // Nobody can have seen it as it will be.
        let file = fs::File::options().write(true).open(folder.path("root/small.txt")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(5000)).unwrap();
        let (_, head, _) = get(address, "/small.txt", "");
        let seconds = |name| date::parse(field(&head, name).unwrap()).unwrap();
        assert!(seconds("Last-Modified") <= seconds("Date"), "{head}");
    });
}

// Goal: HEAD is answered as GET would be, without the content, and a part is no answer to it; also
// where it makes no sense.
#[test]
fn heads_have_no_body() {
    with_server(Method::Copy, |_, address| {
        let head = |fields: &str| {
            let request = format!("HEAD /large.bin HTTP/1.1\r\n{fields}\r\n");
            split(&exchange(address, request.as_bytes()))
        };
        let (status, head_of_all, body) = head("Host: x\r\nRange: bytes=0-9\r\n");
        assert_eq!((status, body.len()), (200, 0));
        assert_eq!(field(&head_of_all, "Content-Length"), Some(&*LARGE.to_string()));
        let (status, _, body) = head("");
        assert_eq!((status, body.len()), (400, 0));
    });
}

// Goal: nothing outside of the folder is served, however it is asked for.
#[test]
fn nothing_outside_is_served() {
    with_server(Method::Copy, |folder, address| {
        let absolute = folder.path("secret.txt");
        for target in [
            "/../secret.txt",
            "/sub/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/leak.txt",
            "/up/secret.txt",
            "/up/",
            "/circle",
            "/.hidden",
            "/shown.txt",
            "/small.txt/",
            "/sub/none",
            &absolute,
            &format!("/{absolute}"),
        ] {
            let (status, head, body) = get(address, target, "");
            assert_eq!(status, 404, "{target}: {head}");
            assert!(!body.windows(6).any(|bytes| bytes == b"secret"), "{target}");
        }
        assert_eq!(get(address, &format!("/{}", "x".repeat(5000)), "").0, 404);
    });
}

#[test]
fn folders_are_listed() {
    with_server(Method::Copy, |_, address| {
        let (status, head, _) = get(address, "/sub", "");
        assert_eq!((status, field(&head, "Location")), (301, Some("/sub/")));
        let (status, _, page) = get(address, "/sub/", "");
        let page = String::from_utf8(page).unwrap();
        assert_eq!(status, 200);
        assert!(page.contains("<a href=\"./%3Cb%3E%26.txt\">&lt;b&gt;&amp;.txt</a>"), "{page}");
        assert!(page.contains("<a href=\"./indexed/\">indexed/</a>"), "{page}");
        let (_, _, root) = get(address, "/", "");
        assert!(!String::from_utf8(root).unwrap().contains("hidden"));
        assert_eq!(get(address, "/sub/%3Cb%3E%26.txt", "").2, b"markup");
        let (_, head, _) = get(address, "//sub", "");
        assert_eq!(field(&head, "Location"), Some("/sub/"), "not another host's");
    });
}

// Goal: what is no request, or too long a one, is told so, and the connection ends.
#[test]
fn broken_requests_are_told_so() {
    with_server(Method::Copy, |_, address| {
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(1 << 20));
        for (request, status) in [
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("nonsense\r\n\r\n", 400),
            ("DELETE /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
            (&long, 431),
        ] {
            // Its end may be a reset, if it comes while we are still sending.
            let mut stream = TcpStream::connect(address).unwrap();
            let _unsent: std::io::Result<()> = stream.write_all(request.as_bytes());
            let mut start = [0; 12];
            stream.read_exact(&mut start).unwrap();
            assert_eq!(start, format!("HTTP/1.1 {status}").as_bytes(), "{}", &request[..14]);
        }
        let (_, head, _) = split(&exchange(address, b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(field(&head, "Allow"), Some("GET, HEAD"));
        let half = exchange(address, b"GET / HTTP/1.1\r\nHo");
        assert_eq!(half, b"", "half a request has no answer");
    });
}

// Goal: who takes for ever over a request, or says nothing, is sent off; who is slow within the
// limits is not.
#[test]
fn slow_requests_have_a_limit() {
    let short = Duration::from_millis(200);
    // Either limit alone, so that it does not matter how late the other's bytes come.
    let limits = Limits { idle: short, ..Limits::default() };
    with_limits(Method::Copy, limits, move |_, address| {
        let started = Instant::now();
        let mut silent = TcpStream::connect(address).unwrap();
        assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0, "its end, and no answer");
        assert!(started.elapsed() >= short, "too early");
    });
    let limits = Limits { head: short, ..Limits::default() };
    with_limits(Method::Copy, limits, move |_, address| {
        let started = Instant::now();
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        let mut answers = Vec::new();
        slow.read_to_end(&mut answers).unwrap();
        assert!(answers.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answers));
        assert!(started.elapsed() >= short, "too early");

        // A byte now and then: the limit is for all of them.
        let mut drip = TcpStream::connect(address).unwrap();
        drip.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut answer = [0; 12];
        while let Err(error) = drip.read_exact(&mut answer) {
            assert!(matches!(error.kind(), WouldBlock | TimedOut), "{error}");
            drip.write_all(b"x").unwrap();
        }
        assert_eq!(&answer, b"HTTP/1.1 408");
    });
}

// Goal: who asks for a file and does not read it holds it open for so long, and no longer.
#[test]
fn stalled_clients_have_a_limit() {
    for method in [Method::SendFile, Method::Copy] {
        let limits = Limits { stalled: Duration::from_millis(200), ..Limits::default() };
        with_limits(method, limits, |_, address| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut start = [0; 12];
            stream.read_exact(&mut start).unwrap();
            assert_eq!(&start, b"HTTP/1.1 200");
            // The server's end is a reset, if it comes with bytes unread or unsent, and shows once
            // we send.
            eventually("the connection is broken off", || stream.write_all(b"x").is_err());
        });
    }
}

// Goal: an output that nobody reads holds up no answer, and when somebody does at last, every line
// is there or counted.
#[test]
fn lines_wait_for_nobody() {
    // Each has a line of more than 200 bytes. What the thread takes may be as much as is queued.
    const REQUESTS: usize = 2 * QUEUE / 200 + 300;
    let taken = Written::default();
    let (output, open) = Gated::new(&taken);
    let lines = Lines::on(output).unwrap();
    with_lines(Method::Copy, Limits::default(), Some(lines), move |_, address| {
        let target = "x".repeat(1000);
        let request = format!("GET /{target} HTTP/1.1\r\nHost: x\r\n\r\n");
        for _ in 0..REQUESTS / 50 {
            let answers = exchange(address, request.repeat(50).as_bytes());
            let answers = String::from_utf8(answers).unwrap();
            assert_eq!(answers.matches("HTTP/1.1 404 ").count(), 50);
        }
        drop(open);
        // What a line says has to be said once the thread takes the queue.
        assert_eq!(get(address, "/small.txt", "").0, 200);
        let told = || taken.text().contains(" dropped)\n");
        eventually("the number of those that were dropped", told);
        let text = taken.text();
        let told = text.lines().filter(|line| line.starts_with("404 ")).count();
        let note = text.lines().find_map(|line| line.strip_prefix('('));
        let dropped = note.and_then(|note| note.split_once(' ')).unwrap().0;
        let dropped: usize = dropped.replace(',', "").parse().unwrap();
        // The one after them may be among them.
        let all = REQUESTS / 50 * 50;
        assert!((all..=all + 1).contains(&(told + dropped)), "{told} and {dropped} of {all}");
        assert!(dropped > 200, "{dropped} dropped: no bound");
        assert!(text.lines().all(|line| line.chars().count() < 230), "a line is cut");
        assert!(text.contains("xxx…\n"), "a line says that it is cut");
    });
}

// Goal: who stops reading the lines ends them, and nothing else.
#[test]
fn a_broken_output_ends_the_lines() {
    let lines = Lines::on(Broken).unwrap();
    with_lines(Method::Copy, Limits::default(), Some(lines), |_, address| {
        for _ in 0..10 {
            assert_eq!(get(address, "/small.txt", "").0, 200);
        }
    });
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    let all = [&["-sS", "--fail", "--noproxy", "*", "--max-time", "50"], arguments].concat();
    tools::run("curl", &all)
}

/// The status that curl is answered with.
fn curl_status(arguments: &[&str]) -> String {
    let common =
        ["-sS", "--noproxy", "*", "--max-time", "50", "-o", "/dev/null", "-w", "%{http_code}"];
    String::from_utf8(tools::run("curl", &[&common, arguments].concat())).unwrap()
}

// Goal: a program that has spoken HTTP for twenty-five years finds nothing to complain of.
#[test]
fn curl_is_served() {
    if !tools::is_there("curl") {
        return;
    }
    both(|folder, address| {
        let url = |path: &str| format!("http://{address}{path}");
        let large = large();
        assert!(curl(&[&url("/large.bin")]) == large, "the bytes changed");
        assert!(curl(&["-r", "100-4000000", &url("/large.bin")]) == large[100..=4_000_000]);

        let head = String::from_utf8(curl(&["-I", &url("/large.bin")])).unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {LARGE}\r\n")), "{head}");

        // The second half of a file whose first is there.
        let half = folder.path("half.bin");
        fs::write(&half, &large[..LARGE / 2]).unwrap();
        curl(&["-C", "-", "-o", &half, &url("/large.bin")]);
        assert!(fs::read(&half).unwrap() == large, "the bytes changed");

        let old = folder.path("root/small.txt");
        assert_eq!(curl_status(&["-z", &old, &url("/small.txt")]), "304");
        assert_eq!(curl_status(&["-L", &url("/sub/indexed")]), "200");
        assert_eq!(curl_status(&["-r", "99999999-", &url("/large.bin")]), "416");
        for path in ["/../secret.txt", "/sub/../../secret.txt", "/leak.txt", "/%2e%2e/secret.txt"] {
            assert_eq!(curl_status(&["--path-as-is", &url(path)]), "404", "{path}");
        }
    });
}

// Goal: several at once, and several on one connection.
#[test]
fn curl_is_served_in_parallel() {
    if !tools::is_there("curl") {
        return;
    }
    both(|folder, address| {
        let large = large();
        thread::scope(|scope| {
            for number in 0..4 {
                let (folder, large) = (&folder, &large);
                scope.spawn(move || {
                    let name = |part: &str| folder.path(&format!("{number}.{part}"));
                    let (first, second) = (name("first"), name("second"));
                    let large_url = format!("http://{address}/large.bin");
                    let small_url = format!("http://{address}/small.txt");
                    curl(&["-o", &first, &large_url, "-o", &second, &small_url]);
                    assert!(fs::read(first).unwrap() == *large, "the bytes changed");
                    assert_eq!(fs::read(second).unwrap(), b"hello, world\n");
                });
            }
        });
    });
}
