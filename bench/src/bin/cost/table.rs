//! How results are printed. Rows appear as they are measured.

use edgewake_bench::generator::Results;
use edgewake_bench::stats::Estimate;
use edgewake_bench::target::Transport;

use crate::counting::Cost;
use crate::scenario::Load;

pub(crate) fn counting_header(load: &Load, size: usize) {
    let operation = if load.churn { "connect-echo-close" } else { "echo" };
    let clients = clients(load.transport);
    println!("\n{}: one {size} B {operation}, {} {clients}", load.name, load.connections);
    println!(
        "  {:<14} {:>12} {:>10} {:>9} {:>8}  by call",
        "server", "instructions", "+baseline", "syscalls", "+base"
    );
}

pub(crate) fn counting_row(label: &str, cost: &Cost, reference: Option<&Cost>) {
    let calls = cost.total_calls();
    let more_instructions = reference
        .map_or(String::new(), |base| format!("{:+.1}", cost.instructions - base.instructions));
    let more_calls =
        reference.map_or(String::new(), |base| format!("{:+.3}", calls - base.total_calls()));
    println!(
        "  {label:<14} {:>12.1} {more_instructions:>10} {calls:>9.3} {more_calls:>8}  {}",
        cost.instructions,
        breakdown(&cost.calls)
    );
}

fn clients(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp | Transport::Unix => "connections",
        Transport::Udp => "clients",
    }
}

/// The calls that matter: those made once in a thousand operations or more.
pub(crate) fn breakdown(calls: &[(String, f64)]) -> String {
    let shown: Vec<String> = calls
        .iter()
        .filter(|(_, count)| count.abs() >= 0.001)
        .map(|(name, count)| format!("{name} {count:.3}"))
        .collect();
    shown.join(", ")
}

pub(crate) fn idle_header(connections: usize) {
    println!("\nidle: resident bytes per connection, from {connections} to {}", 2 * connections);
    println!("  {:<14} {:>12} {:>10}", "server", "bytes", "+baseline");
}

pub(crate) fn idle_row(label: &str, bytes: f64, reference: Option<f64>) {
    let more = reference.map_or(String::new(), |base| format!("{:+.0}", bytes - base));
    println!("  {label:<14} {bytes:>12.0} {more:>10}");
}

pub(crate) fn paired_header(transport: Transport, connections: usize, rounds: usize) {
    let (word, clients) = (transport.word(), clients(transport));
    println!("\npaired, {word}: closed loop, {connections} {clients}, {rounds} rounds (medians)");
    println!(
        "  {:<14} {:>12} {:>9} {:>9}  requests/s against the baseline",
        "server", "requests/s", "p50 us", "p99 us"
    );
}

pub(crate) fn paired_row(label: &str, results: &Results, ratio: Option<Estimate>) {
    let ratio = ratio.map_or(String::new(), |ratio| {
        format!("{:.3}  (95 %: {:.3} to {:.3})", ratio.median, ratio.low, ratio.high)
    });
    println!(
        "  {label:<14} {:>12.0} {:>9.1} {:>9.1}  {ratio}",
        results.rate, results.p50_us, results.p99_us
    );
}
