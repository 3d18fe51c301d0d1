//! Bytes that a parsed manifest costs: ours and the Rust peers, by a counting allocator. Prints a table.

use telecine_benches::{inputs, memory::Counting, parsers};

#[global_allocator]
static HEAP: Counting = Counting::new();

fn main() {
    println!("| manifest | segments | parser | retained, bytes | a segment | peak, bytes |");
    println!("|---|---:|---|---:|---:|---:|");
    for input in inputs::all() {
        for parser in parsers::of(input.language).iter().filter(|parser| parser.retains) {
            // The first run pays for what a parser keeps for good, such as compiled expressions.
            drop((parser.parse)(&input.bytes));
            let usage = HEAP.measure(|| (parser.parse)(&input.bytes));
            println!(
                "| {} | {} | {} | {} | {:.2} | {} |",
                input.name,
                input.segments,
                parser.name,
                usage.retained,
                usage.retained as f64 / input.segments as f64,
                usage.peak,
            );
        }
    }
}
