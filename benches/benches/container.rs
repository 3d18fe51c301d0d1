//! A CMAF segment through the incremental reader, in pieces as a network delivers them.

// The demo title is part of the repository: without it there is nothing to measure.
#![allow(clippy::expect_used)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use std::sync::Arc;
use telecine_benches::segment::{demo, PIECE};
use telecine_container::{InitSegment, IsoReader, Unit};
use telecine_model::{Error, Limits};

fn read_init(bytes: bytes::Bytes) -> Result<Option<Arc<InitSegment>>, Error> {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(bytes);
    while let Some(unit) = reader.poll()? {
        if let Unit::Init(init) = unit {
            return Ok(Some(init));
        }
    }
    Ok(None)
}

/// How many samples a segment has.
fn read_segment(init: &Arc<InitSegment>, pieces: &[bytes::Bytes]) -> Result<usize, Error> {
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_init(Arc::clone(init));
    let mut samples = 0;
    for piece in pieces {
        reader.push(piece.clone());
        while let Some(unit) = reader.poll()? {
            if let Unit::Fragment(fragment) = unit {
                samples += fragment.tracks.iter().map(|track| track.samples.len()).sum::<usize>();
                std::hint::black_box(fragment);
            }
        }
    }
    reader.finish()?;
    Ok(samples)
}

fn container(criterion: &mut Criterion) {
    let (head, segment) = demo();
    let init = read_init(head).ok().flatten().expect("the demo title has an initialisation section");
    let pieces: Vec<_> =
        (0..segment.len()).step_by(PIECE).map(|from| segment.slice(from..segment.len().min(from + PIECE))).collect();
    let samples = read_segment(&init, &pieces).expect("the demo title is CMAF");
    let mut group = criterion.benchmark_group("cmaf");
    group.throughput(Throughput::Bytes(segment.len() as u64));
    group.bench_function(format!("{samples} samples in 64 KiB pieces"), |bencher| {
        bencher.iter(|| read_segment(&init, &pieces));
    });
    group.finish();
}

criterion_group!(benches, container);
criterion_main!(benches);
