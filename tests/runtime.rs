//! The current-thread runtime: tasks, handles, panics, aborts, shutdown.
#[test]
fn smoke() {
    let rt = edgewake::Runtime::new().unwrap();
    let h = rt.handle();
    let v = rt.block_on(async {
        let t = edgewake::spawn(async {
            for _ in 0..1000 {
                edgewake::yield_now().await
            }
            1
        });
        let (tx, rx) = futures::channel::oneshot::channel();
        let th = std::thread::spawn(move || {
            h.spawn(async move { tx.send(3).unwrap() });
        });
        let p = edgewake::spawn(async { panic!("boo") });
        assert!(p.await.unwrap_err().is_panic());
        let r = rx.await.unwrap() + t.await.unwrap();
        th.join().unwrap();
        let a = edgewake::spawn(std::future::pending::<()>());
        edgewake::yield_now().await;
        a.abort();
        assert!(a.await.unwrap_err().is_cancelled());
        r
    });
    assert_eq!(v, 4);
    let _x = rt.spawn(std::future::pending::<()>());
    rt.block_on(edgewake::yield_now());
    drop(rt);
}
