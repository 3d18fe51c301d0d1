//! Manifest parsers: ours and the Rust peers on the same bytes, in one run.

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use telecine_benches::{inputs, parsers};

fn manifests(criterion: &mut Criterion) {
    for input in inputs::all() {
        let mut group = criterion.benchmark_group(input.name);
        group.throughput(Throughput::Bytes(input.bytes.len() as u64)).sample_size(20);
        for parser in parsers::of(input.language) {
            assert_eq!((parser.parse)(&input.bytes).segments(), input.segments, "{} reads all of it", parser.name);
            // The result is dropped outside the time that is taken.
            group.bench_function(parser.name, |bencher| bencher.iter_with_large_drop(|| (parser.parse)(&input.bytes)));
        }
        group.finish();
    }
}

criterion_group!(benches, manifests);
criterion_main!(benches);
