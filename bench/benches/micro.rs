//! The micro figures under criterion, which warms up, finds outliers and compares with the last
//! run: `cargo bench --bench micro --features criterion,peers -- '^wake'`.
//!
//! The operations are those of the program `micro`, where the sides take turns; here each is
//! measured by itself, so compare sides there and one side's versions here.

use std::time::Duration;

use criterion::Criterion;
use edgewake_bench::micro::{self, Operation};
use edgewake_bench::os::process;

/// All threads on one core: where the kernel puts the one that wakes would decide its figure.
fn pin() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if let Err(error) = process::pin_to(cores - 1) {
        eprintln!("not pinned to core {}: {error}", cores - 1);
    }
}

fn operations(criterion: &mut Criterion) {
    for operation in Operation::ALL {
        let mut group = criterion.benchmark_group(operation.name());
        for side in micro::sides() {
            // Whether it has the operation, told by the smallest run of it.
            if (side.measure)(operation, 1).expect("a runtime").is_none() {
                continue;
            }
            group.bench_function(side.name, |bencher| {
                bencher.iter_custom(|count| {
                    let count = usize::try_from(count).expect("a count in memory");
                    let outcome = (side.measure)(operation, count).expect("a runtime");
                    let each = outcome.expect("it had the operation a moment ago");
                    Duration::from_secs_f64(each * count as f64 / 1e9)
                });
            });
        }
        group.finish();
    }
}

fn main() {
    pin();
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    operations(&mut criterion);
    criterion.final_summary();
}
