//! Resident bytes of an idle flow: the growth from C to 2C flows, each of which has carried bytes
//! in both directions and carries none now. The kernel's own memory for the sockets is not in it.

use std::io;

use edgewake_bench::os::process;
use edgewake_bench::proxy::contender::Contender;
use edgewake_bench::proxy::load::{Backend, Pair};

use crate::args::Args;

/// Carried in either direction: a buffer or a pipe was needed for it.
const CARRIED: u64 = 100_000;

pub(crate) fn run(args: &Args, contenders: &[Contender]) -> io::Result<()> {
    // Two descriptors a flow here, and two of the proxy's own.
    let limit = usize::try_from(process::raise_fd_limit()?).unwrap_or(usize::MAX);
    let flows = args.idle.min(limit.saturating_sub(200) / 4);
    println!("idle flows, {flows} and as many again, {CARRIED} B each way before");
    println!("{:<34} {:>12} {:>14}", "contender", "bytes a flow", "descriptors");
    for contender in contenders {
        let backend = Backend::bind(args.connect)?;
        let proxy = contender.start(args.listen, &backend.place, args.core)?;
        let mut pairs = Vec::new();
        open(&mut pairs, flows, &proxy.place, &backend)?;
        let (with_one, fds) = (proxy.resident_bytes()?, proxy.descriptors()?);
        open(&mut pairs, flows, &proxy.place, &backend)?;
        let growth = proxy.resident_bytes()? as f64 - with_one as f64;
        let fds = (proxy.descriptors()? - fds) as f64;
        println!(
            "{:<34} {:>12.0} {:>14.2}",
            contender.label(),
            growth / flows as f64,
            fds / flows as f64
        );
    }
    Ok(())
}

fn open(
    pairs: &mut Vec<Pair>,
    flows: usize,
    place: &edgewake_bench::target::Target,
    backend: &Backend,
) -> io::Result<()> {
    for _ in 0..flows {
        let pair = Pair::open(place, backend)?;
        pair.client.write_bytes(CARRIED, CARRIED as usize)?;
        pair.server.read_bytes(CARRIED)?;
        pair.server.write_bytes(CARRIED, CARRIED as usize)?;
        pair.client.read_bytes(CARRIED)?;
        pairs.push(pair);
    }
    Ok(())
}
