//! Several tasks accept from one listener and read from one socket, and some give up on the way:
//! each connection and each message comes to one of them, once, and the end to all.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use edgewake::net::{UnixDatagram, UnixListener, UnixStream};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    os::TemporaryPath,
    run::{draw, drive, once_in},
    streams::{again, pause},
    tracked::spawn,
};

pub(crate) fn run() {
    match draw(3) {
        0 => connections(),
        1 => messages(),
        _ => ends(),
    }
}

type Seen = Rc<RefCell<BTreeSet<u8>>>;

fn note(seen: &Seen, number: u8) {
    assert!(seen.borrow_mut().insert(number), "number {number} came twice");
}

fn connections() {
    let path = TemporaryPath::new("schedules");
    drive(async {
        let listener = Rc::new(UnixListener::bind(path.as_ref()).expect("a free path"));
        let (seen, count) = (Seen::default(), 1 + draw(8) as u8);
        let acceptors: Vec<_> = (0..1 + draw(3))
            .map(|_| {
                let (listener, seen) = (Rc::clone(&listener), Rc::clone(&seen));
                spawn(async move {
                    loop {
                        let (mut stream, _) = again(|| listener.accept()).await.expect("no error");
                        let mut number = [0];
                        stream.read_exact(&mut number).await.expect("no error");
                        note(&seen, number[0]);
                        stream.write_all(&number).await.expect("no error");
                        pause().await;
                    }
                })
            })
            .collect();
        let clients: Vec<_> = (0..count)
            .map(|number| {
                let path = path.as_ref().to_path_buf();
                spawn(async move {
                    let mut stream = UnixStream::connect(&path).await.expect("it listens");
                    pause().await;
                    stream.write_all(&[number]).await.expect("no error");
                    let mut back = [0];
                    stream.read_exact(&mut back).await.expect("no error");
                    assert_eq!(back, [number]);
                    assert_eq!(stream.read(&mut back).await.expect("no error"), 0);
                })
            })
            .collect();
        for client in clients {
            client.await.expect("no panic");
        }
        assert_eq!(seen.borrow().len(), usize::from(count));
        for acceptor in acceptors {
            acceptor.abort();
            assert!(acceptor.await.expect_err("it accepts for ever").is_cancelled());
        }
    });
}

/// The end of a stream is for all who wait for it, in whatever way.
fn ends() {
    drive(async {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let ours = Rc::new(ours);
        let waiting: Vec<_> = (0..1 + draw(6))
            .map(|_| {
                let ours = Rc::clone(&ours);
                spawn(async move {
                    pause().await;
                    match draw(3) {
                        0 => again(|| ours.closed()).await.expect("no error"),
                        1 => again(|| ours.readable()).await.expect("no error"),
                        _ => {
                            let mut stream = &*ours;
                            while stream.read(&mut [0; 8]).await.expect("no error") > 0 {}
                        }
                    }
                })
            })
            .collect();
        for _ in 0..draw(3) {
            theirs.write_all(&[7]).await.expect("no error");
            pause().await;
        }
        if once_in(2) {
            theirs.close().await.expect("no error");
        } else {
            drop(theirs);
        }
        for one in waiting {
            one.await.expect("no panic");
        }
    });
}

fn messages() {
    drive(async {
        let (sender, receiver) = UnixDatagram::pair().expect("a pair");
        let receiver = Rc::new(receiver);
        let (seen, count) = (Seen::default(), 1 + draw(40) as u8);
        let readers: Vec<_> = (0..1 + draw(4))
            .map(|_| {
                let (receiver, seen) = (Rc::clone(&receiver), Rc::clone(&seen));
                spawn(async move {
                    while seen.borrow().len() < usize::from(count) {
                        let mut room = [0; 8];
                        let length = receiver.recv(&mut room).await.expect("no error");
                        assert_eq!(length, 1, "a message is cut");
                        note(&seen, room[0]);
                        pause().await;
                    }
                })
            })
            .collect();
        for number in 0..count {
            assert_eq!(sender.send(&[number]).await.expect("no error"), 1);
            pause().await;
        }
        // Those that still wait do so for good.
        while seen.borrow().len() < usize::from(count) {
            edgewake::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        for reader in readers {
            reader.abort();
            match reader.await {
                Ok(()) => {}
                Err(ended) => assert!(ended.is_cancelled(), "{ended}"),
            }
        }
    });
}
