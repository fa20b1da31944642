//! TcpStream through the public interface.
use edgewake::net::{TcpListener, TcpStream};
use futures::{AsyncReadExt, AsyncWriteExt};

#[test]
fn echo_smoke() {
    let rt = edgewake::Runtime::new().unwrap();
    rt.block_on(async {
        let l = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = l.local_addr().unwrap();
        edgewake::spawn(async move {
            loop {
                let (s, _) = l.accept().await.unwrap();
                drop(edgewake::spawn(async move {
                    let mut buf = [0u8; 1000];
                    loop {
                        s.readable().await.unwrap();
                        match s.try_read(&mut buf) {
                            Ok(0) => break,
                            Ok(n) => (&s).write_all(&buf[..n]).await.unwrap(),
                            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                            Err(e) => panic!("{e}"),
                        }
                    }
                }));
            }
        });
        let mut v = vec![];
        for _ in 0..50 {
            v.push(edgewake::spawn(async move {
                let mut c = TcpStream::connect(addr).await.unwrap();
                let data = vec![7u8; 100_000];
                for _ in 0..20 {
                    c.write_all(b"hello").await.unwrap();
                    let mut b = [0; 5];
                    c.read_exact(&mut b).await.unwrap();
                    assert_eq!(&b, b"hello");
                }
                let (mut r, mut w) = (&c, &c);
                let mut back = vec![0; data.len()];
                let (a, b) = futures::join!(w.write_all(&data), r.read_exact(&mut back));
                a.unwrap();
                b.unwrap();
                assert!(back == data);
                c.close().await.unwrap();
                assert_eq!(c.read(&mut [0; 1]).await.unwrap(), 0);
            }));
        }
        for t in v {
            t.await.unwrap();
        }
    });
}
