//! The named scenarios.

use edgewake_bench::target::Transport;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scenario {
    /// Instructions and system calls of one operation.
    Count(Load),
    /// Resident bytes per idle connection.
    Idle,
    /// The ratio of request rates.
    Paired { transport: Transport, connections: usize },
}

/// A lock-step load, whose batches are the same in every run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) transport: Transport,
    pub(crate) connections: usize,
    /// An operation is a whole connection, not an echo.
    pub(crate) churn: bool,
    /// Who runs first on the core that generator and server share.
    pub(crate) order: Order,
    /// Microseconds between two rounds.
    pub(crate) pause: u64,
    /// Operations of the short run, under callgrind; it costs little more than the start-up.
    pub(crate) instruction_ops: u64,
    /// And under strace, where a system call costs some ten microseconds.
    pub(crate) syscall_ops: u64,
}

/// Who runs first when both could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The server finds a whole round in one batch.
    GeneratorFirst,
    /// The server goes to sleep before the next message is sent: a lone connection as it is when
    /// its peer is far away. Generator first, the answer to an echo would be there before the
    /// server looks again, and one that receives until `WouldBlock` would never have to wait.
    ServerFirst,
}

/// All clients of UDP share one socket of the server's, which any server receives from until
/// `WouldBlock`: the next round must not be there before it has seen that and gone to sleep, also
/// under strace.
const PAUSE_US: u64 = 500;

const fn echo(
    name: &'static str,
    transport: Transport,
    connections: usize,
    syscall_ops: u64,
) -> Load {
    let datagrams = matches!(transport, Transport::Udp);
    let pause = if datagrams { PAUSE_US } else { 0 };
    let order =
        if connections == 1 && !datagrams { Order::ServerFirst } else { Order::GeneratorFirst };
    let instruction_ops = 2 * syscall_ops;
    Load { name, transport, connections, churn: false, order, pause, instruction_ops, syscall_ops }
}

const ECHO32: Load = echo("echo32", Transport::Tcp, 32, 16_000);
const ECHO1: Load = echo("echo1", Transport::Tcp, 1, 4_000);
const ECHO512: Load = echo("echo512", Transport::Tcp, 512, 25_600);
const UDP32: Load = echo("udp32", Transport::Udp, 32, 16_000);
const UDP1: Load = echo("udp1", Transport::Udp, 1, 4_000);
const UNIX32: Load = echo("unix32", Transport::Unix, 32, 16_000);
const UNIX1: Load = echo("unix1", Transport::Unix, 1, 4_000);
const CHURN: Load = Load {
    name: "churn",
    transport: Transport::Tcp,
    connections: 32,
    churn: true,
    order: Order::GeneratorFirst,
    pause: 0,
    // Few enough for the ports in TIME_WAIT: all runs together stay below the 28,000 there are.
    instruction_ops: 1_920,
    syscall_ops: 1_920,
};

impl Scenario {
    /// The scenarios a name stands for.
    pub(crate) fn named(name: &str) -> Option<Vec<Self>> {
        let paired = |transport, connections| vec![Self::Paired { transport, connections }];
        let counts = |loads: &[Load]| loads.iter().copied().map(Self::Count).collect();
        Some(match name {
            "echo32" => counts(&[ECHO32]),
            "echo1" => counts(&[ECHO1]),
            "echo512" => counts(&[ECHO512]),
            "churn" => counts(&[CHURN]),
            "udp32" => counts(&[UDP32]),
            "udp1" => counts(&[UDP1]),
            "unix32" => counts(&[UNIX32]),
            "unix1" => counts(&[UNIX1]),
            "idle" => vec![Self::Idle],
            "paired" => paired(Transport::Tcp, 32),
            "paired1" => paired(Transport::Tcp, 1),
            "udppaired" => paired(Transport::Udp, 32),
            "unixpaired" => paired(Transport::Unix, 32),
            "counts" => counts(&[ECHO32, ECHO1, ECHO512, CHURN]),
            "udp" => counts(&[UDP32, UDP1]),
            "unix" => counts(&[UNIX32, UNIX1]),
            "all" => {
                ["counts", "udp", "unix", "idle", "paired", "paired1", "udppaired", "unixpaired"]
                    .into_iter()
                    .flat_map(Self::named)
                    .flatten()
                    .collect()
            }
            _ => return None,
        })
    }

    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Count(load) => load.transport,
            Self::Idle => Transport::Tcp,
            Self::Paired { transport, .. } => *transport,
        }
    }
}
