//! The named scenarios.

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scenario {
    /// Instructions and system calls of one operation.
    Count(Load),
    /// Resident bytes per idle connection.
    Idle,
    /// The ratio of request rates.
    Paired { connections: usize },
}

/// A lock-step load, whose batches are the same in every run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    /// An operation is a whole connection, not an echo.
    pub(crate) churn: bool,
    /// Who runs first on the core that generator and server share.
    pub(crate) order: Order,
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

const fn echo(name: &'static str, connections: usize, ops: u64) -> Load {
    let order = if connections == 1 { Order::ServerFirst } else { Order::GeneratorFirst };
    Load { name, connections, churn: false, order, instruction_ops: 2 * ops, syscall_ops: ops }
}

const ECHO32: Load = echo("echo32", 32, 16_000);
const ECHO1: Load = echo("echo1", 1, 4_000);
const ECHO512: Load = echo("echo512", 512, 25_600);
const CHURN: Load = Load {
    name: "churn",
    connections: 32,
    churn: true,
    order: Order::GeneratorFirst,
    // Few enough for the ports in TIME_WAIT: all runs together stay below the 28,000 there are.
    instruction_ops: 1_920,
    syscall_ops: 1_920,
};

impl Scenario {
    /// The scenarios a name stands for.
    pub(crate) fn named(name: &str) -> Option<Vec<Self>> {
        let counts = || [ECHO32, ECHO1, ECHO512, CHURN].map(Self::Count).to_vec();
        Some(match name {
            "echo32" => vec![Self::Count(ECHO32)],
            "echo1" => vec![Self::Count(ECHO1)],
            "echo512" => vec![Self::Count(ECHO512)],
            "churn" => vec![Self::Count(CHURN)],
            "idle" => vec![Self::Idle],
            "paired" => vec![Self::Paired { connections: 32 }],
            "paired1" => vec![Self::Paired { connections: 1 }],
            "counts" => counts(),
            "all" => {
                let mut all = counts();
                all.push(Self::Idle);
                all.extend([32, 1].map(|connections| Self::Paired { connections }));
                all
            }
            _ => return None,
        })
    }
}
