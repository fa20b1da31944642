//! The proxy of `examples/proxy`, running within a test.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `proxy::…`")]

use std::{io, rc::Rc, time::Duration};

use edgewake::{JoinHandle, io::CopyMethod};
use futures::channel::oneshot;

use crate::{
    common::place::{Name, Place},
    endpoints::{Listen, Target},
    flow::Proxy,
    service,
};

/// Every way to move bytes.
pub const METHODS: [CopyMethod; 3] = [CopyMethod::Auto, CopyMethod::Buffer, CopyMethod::Splice];

/// A proxy that accepts; its tasks are those of the current runtime.
pub struct Running {
    pub proxy: Rc<Proxy>,
    /// Where it listens, in the form of its command line.
    pub place: String,
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<io::Result<()>>,
}

impl Running {
    pub fn start(listen: &str, connect: &str, method: CopyMethod, most: u64) -> Running {
        Running::start_patient(listen, connect, method, most, Duration::from_secs(30))
    }

    /// With a limit to how long connecting takes.
    pub fn start_patient(
        listen: &str,
        connect: &str,
        method: CopyMethod,
        most: u64,
        patience: Duration,
    ) -> Running {
        let listener = Listen::parse(listen).unwrap().listen().unwrap();
        let place = match listener.place().unwrap() {
            Place::Tcp(address) => format!("tcp:{address}"),
            Place::Unix(address) => format!("unix:{}", Name(&address)),
            Place::Udp(_) => unreachable!("it is a stream's"),
        };
        let proxy = Rc::new(Proxy::new(Target::parse(connect).unwrap(), patience, method));
        let (stop, stopped) = oneshot::channel();
        let serving = Rc::clone(&proxy);
        let accepting = edgewake::spawn_local(async move {
            let stopped = async { stopped.await.map_err(io::Error::other) };
            service::serve(listener, &serving, most, stopped).await
        });
        Running { proxy, place, stop, accepting }
    }

    /// Stops accepting. The flows go on.
    pub async fn stop(self) -> Rc<Proxy> {
        self.stop.send(()).expect("a proxy that accepts");
        self.accepting.await.unwrap().unwrap();
        self.proxy
    }

    /// What has gone up and down.
    pub fn moved(&self) -> (u64, u64) {
        use std::sync::atomic::Ordering::SeqCst;
        let counters = &self.proxy.counters;
        (counters.up.load(SeqCst), counters.down.load(SeqCst))
    }
}
