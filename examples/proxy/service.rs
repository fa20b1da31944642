//! Accepting while there is room, and coming to an end.

use std::{io, pin::pin, rc::Rc, time::Duration};

use edgewake::time::timeout;
use futures::future::{Either, select};

use crate::{
    endpoints::Listener,
    flow::{self, Proxy},
};

/// What became of the flows that were open at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// They have all ended.
    All,
    /// So many have not; they end with the runtime.
    AllBut(u64),
}

/// Accepts until `stop` is done, and starts a flow for whoever comes; not more than `most` at a
/// time. The listener is closed when this returns: who comes then is refused.
pub(crate) async fn serve(
    listener: Listener,
    proxy: &Rc<Proxy>,
    most: u64,
    stop: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let accept = async {
        loop {
            proxy.counters.until_open(|open| open < most).await;
            match listener.accept().await {
                Ok(client) => flow::start(client, proxy),
                Err(error) => return error,
            }
        }
    };
    match select(pin!(stop), pin!(accept)).await {
        Either::Left((stopped, _)) => stopped,
        Either::Right((error, _)) => Err(error),
    }
}

/// Waits until every flow has ended, for as long as `grace` and as `stop` is not done.
pub(crate) async fn drain(
    proxy: &Proxy,
    grace: Duration,
    stop: impl Future<Output = io::Result<()>>,
) -> io::Result<Drained> {
    let ended = timeout(grace, proxy.counters.until_open(|open| open == 0));
    match select(pin!(ended), pin!(stop)).await {
        Either::Left((Ok(()), _)) => Ok(Drained::All),
        Either::Left((Err(_elapsed), _)) => Ok(Drained::AllBut(proxy.counters.open())),
        Either::Right((stopped, _)) => stopped.map(|()| Drained::AllBut(proxy.counters.open())),
    }
}
