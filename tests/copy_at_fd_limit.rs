//! At the descriptor limit a copy has no pipe, and does without. In a program of its own, since the
//! limit is the process's.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::os::fd::AsFd;

use edgewake::{
    io::{AsyncReadExt, AsyncWriteExt, CopyMethod, CopyOptions},
    net::UnixStream,
};
use peer::pattern;
use tcp::run;

// Goal: a copy that is to splice does its work without a descriptor to be had, and splices again
// once there are some. Method: all that the process may have are taken, and given back.
#[test]
fn no_descriptor_for_a_pipe() {
    run(|| async {
        let bytes = pattern(1, 100_000);
        let (mut source, mut from) = UnixStream::pair().unwrap();
        let (mut to, mut out) = UnixStream::pair().unwrap();
        let copying = edgewake::spawn(async move {
            CopyOptions::new().method(CopyMethod::Splice).copy(&mut from, &mut to).await
        });
        // The driver's own are there.
        tcp::turn().await;
        for round in 0..4 {
            let mut hoard = Vec::new();
            if round < 3 {
                let (soft, _) = os::descriptor_limits();
                os::limit_descriptors(soft.min(256));
                while let Ok(copy) = edgewake_sys::fd::duplicate(source.as_fd()) {
                    hoard.push(copy);
                }
                assert!(edgewake_sys::pipe::pipe().is_err());
            }
            let mut arrived = vec![0; bytes.len()];
            let (written, read) =
                futures::join!(source.write_all(&bytes), out.read_exact(&mut arrived));
            written.unwrap();
            read.unwrap();
            assert!(arrived == bytes, "round {round}");
        }
        source.close().await.unwrap();
        assert_eq!(copying.await.unwrap().unwrap(), 400_000);
    });
}
