//! T86: what moves without a copy raises no `SIGPIPE`, though its system calls have no flag against
//! it. In a program of its own, with the signal's default disposition, which would end it.

#![cfg(feature = "net")]

#[path = "support/files.rs"]
mod files;
#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::io;

use edgewake::{
    io::{AsyncWriteExt, CopyMethod, CopyOptions, pipe},
    net::{TcpStream, UnixStream},
};
use tcp::{kind, pair, reset, run};

/// What a broken connection says.
fn is_broken<T>(outcome: io::Result<T>) -> bool {
    matches!(kind(outcome), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn default_disposition() {
    // SAFETY: SIG_DFL is a valid disposition; no handler is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// A connection whose peer has gone, and knows it.
async fn dead() -> TcpStream {
    let (here, there) = pair().await;
    reset(there, &here).await;
    here
}

// T86. Goal: a file sent to a dead peer is an error, each time.
#[test]
fn t86_sending_a_file_to_a_dead_peer() {
    default_disposition();
    run(|| async {
        let file = files::file_with(&[7; 100_000]);
        let stream = dead().await;
        for _ in 0..3 {
            assert!(is_broken(stream.send_file(&file, ..).await));
            assert!(is_broken(stream.try_send_file(&file, 0, 10)));
        }
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        assert!(is_broken(here.send_file(&file, ..).await));
        // Writing was shut down on this side.
        let (here, _there) = pair().await;
        here.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(is_broken(here.send_file(&file, ..).await));
    });
}

// T86. Goal: the same of a copy, to each kind of destination, by every method.
#[test]
fn t86_copying_to_a_dead_peer() {
    default_disposition();
    run(|| async {
        for method in [CopyMethod::Auto, CopyMethod::Buffer, CopyMethod::Splice] {
            let options = CopyOptions::new().method(method);
            let (mut source, mut from) = UnixStream::pair().unwrap();
            source.write_all(&[7; 1000]).await.unwrap();
            assert!(is_broken(options.copy(&mut from, &mut dead().await).await), "{method:?}");
            source.write_all(&[7; 1000]).await.unwrap();
            let (mut to, there) = UnixStream::pair().unwrap();
            drop(there);
            assert!(is_broken(options.copy(&mut from, &mut to).await), "{method:?}");
            source.write_all(&[7; 1000]).await.unwrap();
            let (mut sender, receiver) = pipe::pipe().unwrap();
            drop(receiver);
            assert!(is_broken(options.copy(&mut from, &mut sender).await), "{method:?}");
        }
    });
}

// Goal: the thread's signal mask is afterwards as it was, and so is what the process does with each
// signal: the library has no handlers. Method: both are looked at.
#[test]
fn mask_is_restored() {
    default_disposition();
    let dispositions = os::dispositions();
    run(|| async {
        let blocked = || {
            let mut mask = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: a null set changes nothing; `mask` is room for the present one, which the
            // call writes, as it succeeds for these arguments.
            unsafe {
                assert_eq!(
                    libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr()),
                    0
                );
                libc::sigismember(mask.assume_init_ref(), libc::SIGPIPE) == 1
            }
        };
        assert!(!blocked());
        let (mut source, mut from) = UnixStream::pair().unwrap();
        source.write_all(&[7; 1000]).await.unwrap();
        let options = CopyOptions::new().method(CopyMethod::Splice);
        assert!(is_broken(options.copy(&mut from, &mut dead().await).await));
        assert!(!blocked());
        let file = files::file_with(&[7; 10]);
        assert!(is_broken(dead().await.send_file(&file, ..).await));
        assert!(!blocked());
    });
    assert_eq!(os::dispositions(), dispositions);
}
