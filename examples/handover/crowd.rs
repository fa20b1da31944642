//! All clients together, for as long as the servers behind them change.

use std::{cell::Cell, net::SocketAddr, rc::Rc, time::Duration};

use edgewake::{JoinHandle, time::sleep};
use futures::future::join_all;

use crate::{
    client::{self, Shared},
    tally::Tally,
};

/// How often it is looked whether everybody has come on.
const LOOK: Duration = Duration::from_millis(10);

/// Clients at work.
pub(crate) struct Crowd {
    shared: Rc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Starts so many clients of a server.
    pub(crate) fn start(server: SocketAddr, clients: usize) -> Crowd {
        let tally = Tally::new(clients);
        let shared = Rc::new(Shared { server, tally, ends: Cell::new(false) });
        let tasks = (0..clients)
            .map(|number| edgewake::spawn_local(client::run(Rc::clone(&shared), number)))
            .collect();
        Crowd { shared, tasks }
    }

    /// Waits until every client has had so many more answers. Ends early once something failed.
    pub(crate) async fn come_on(&self, answers: u64) {
        let before = self.shared.tally.answers();
        let behind = || {
            let now = self.shared.tally.answers();
            now.iter().zip(&before).any(|(now, before)| now - before < answers)
        };
        while self.shared.tally.failed.get() == 0 && behind() {
            sleep(LOOK).await;
        }
    }

    /// Has them end, and returns what they have counted once each has its last answer.
    pub(crate) async fn end(self) -> Result<Rc<Shared>, String> {
        self.shared.ends.set(true);
        for ended in join_all(self.tasks).await {
            ended.map_err(|panic| format!("a client's task ended: {panic}"))?;
        }
        Ok(self.shared)
    }
}
