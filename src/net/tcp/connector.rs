//! How connections are made, for who wants it otherwise than [`TcpStream::connect`] does it.
//!
//! It makes and prepares the socket of each attempt; which attempts there are, and when, is the
//! business of `connect`.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use super::{TcpSocket, TcpStream};
use crate::net::addr::ToSocketAddrs;

/// RFC 8305, section 8: the Connection Attempt Delay, and its bounds.
const DELAY: Duration = Duration::from_millis(250);
const SHORTEST_DELAY: Duration = Duration::from_millis(10);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What [`TcpStream::connect`] uses.
pub(super) static RACE: Connector = Connector::with(false);

/// What [`TcpStream::connect_in_order`] uses.
pub(super) static IN_ORDER: Connector = Connector::with(true);

type Prepare = dyn Fn(&TcpSocket) -> io::Result<()> + Send + Sync;

/// Makes connections: to the first of several addresses that answers, from a local address, over
/// sockets that are prepared first.
///
/// Made once, it serves for any number of connections.
///
/// # Examples
///
/// ```
/// use edgewake::net::{TcpListener, tcp::Connector};
/// use std::time::Duration;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let port = listener.local_addr()?.port();
/// let connector = Connector::new()
///     .attempt_delay(Duration::from_millis(100))
///     .bind("127.0.0.1:0".parse().unwrap())
///     .prepare(|socket| socket.set_nodelay(true));
/// let stream = connector.connect(("localhost", port)).await?;
/// assert!(stream.nodelay()?);
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it does nothing before `connect`"]
pub struct Connector {
    delay: Duration,
    in_order: bool,
    local_v4: Option<SocketAddr>,
    local_v6: Option<SocketAddr>,
    prepare: Option<Arc<Prepare>>,
}

impl Connector {
    /// Starts from what [`TcpStream::connect`] does: attempts 250 ms apart, side by side, on
    /// sockets as they come.
    #[inline]
    pub fn new() -> Connector {
        Connector::with(false)
    }

    const fn with(in_order: bool) -> Connector {
        Connector { delay: DELAY, in_order, local_v4: None, local_v6: None, prepare: None }
    }

    /// Sets for how long an attempt may go without an answer before the next one starts beside it:
    /// 250 ms by default. Outside of 10 ms to 2 s the nearer of the two is taken, as RFC 8305 has
    /// it.
    #[inline]
    pub fn attempt_delay(mut self, delay: Duration) -> Connector {
        self.delay = delay.clamp(SHORTEST_DELAY, LONGEST_DELAY);
        self
    }

    /// Sets whether the addresses are tried strictly one after another, in the order in which they
    /// come, each until it fails by itself; off by default.
    #[inline]
    pub fn in_order(mut self, in_order: bool) -> Connector {
        self.in_order = in_order;
        self
    }

    /// Sets the local address for attempts of its family, once for IPv4 and once for IPv6. Port 0
    /// lets the system choose. Attempts of a family that has none are not bound.
    ///
    /// Another port than 0 is that of one attempt at a time: the next address of the family has its
    /// turn when the attempt before it has failed, however long that takes; a silent address may
    /// hold it for minutes. The other family goes on beside it, if it has another port or none.
    ///
    /// # Platform notes
    ///
    /// On Linux sockets share a port, and race, if [`prepare`](Self::prepare) sets
    /// [`set_reuse_addr`](TcpSocket::set_reuse_addr) on each.
    #[inline]
    pub fn bind(mut self, local: SocketAddr) -> Connector {
        let place = if local.is_ipv4() { &mut self.local_v4 } else { &mut self.local_v6 };
        *place = Some(local);
        self
    }

    /// Sets what is done with each socket before it is bound and connected. An error of it ends
    /// that attempt. It must not block.
    #[inline]
    pub fn prepare(
        mut self,
        prepare: impl Fn(&TcpSocket) -> io::Result<()> + Send + Sync + 'static,
    ) -> Connector {
        self.prepare = Some(Arc::new(prepare));
        self
    }

    /// Connects to an address; of several, to the first that answers. See [`TcpStream::connect`].
    ///
    /// # Cancel safety
    ///
    /// As for [`TcpStream::connect`].
    ///
    /// # Errors
    ///
    /// As for [`TcpStream::connect`], and what bind(2) and [`prepare`](Self::prepare) return.
    #[inline]
    pub async fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        self.connect_resolved(addresses.resolve().await?).await
    }

    /// The socket of one attempt, as far as that is possible before it connects.
    #[inline]
    pub(super) fn socket_for(&self, address: &SocketAddr) -> io::Result<TcpSocket> {
        let socket = TcpSocket::new_for(address)?;
        if let Some(prepare) = &self.prepare {
            prepare(&socket)?;
        }
        if let Some(local) = self.local_for(address) {
            socket.bind(local)?;
        }
        Ok(socket)
    }

    fn local_for(&self, address: &SocketAddr) -> Option<SocketAddr> {
        if address.is_ipv4() { self.local_v4 } else { self.local_v6 }
    }

    /// The port that an attempt needs, and others may have; not one that the system chooses.
    #[inline]
    pub(super) fn local_port(&self, address: &SocketAddr) -> Option<u16> {
        self.local_for(address).map(|local| local.port()).filter(|port| *port != 0)
    }

    #[inline]
    pub(super) fn is_in_order(&self) -> bool {
        self.in_order
    }

    #[inline]
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }
}

impl Default for Connector {
    #[inline]
    fn default() -> Connector {
        Connector::new()
    }
}

impl fmt::Debug for Connector {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("attempt_delay", &self.delay)
            .field("in_order", &self.in_order)
            .field("bind", &[self.local_v4, self.local_v6])
            .finish_non_exhaustive()
    }
}
