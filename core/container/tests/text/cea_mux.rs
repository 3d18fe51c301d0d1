//! What mux.js finds in SEI messages with captions of both kinds, and what we find.
//!
//! The script below is written as `pictures.json`, of which `mux.cjs` makes `mux.json`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{json, Value};
use telecine_container::text::cea::{sei, CaptionChannel, CaptionDecoder};
use telecine_model::{Limits, MediaTime};

use crate::dtvcc::{self, packet, Define, Service};
use crate::line21::{self, Line21};
use crate::sei::message;

fn path(name: &str) -> String {
    format!("{}/tests/data/text/cea/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Triplets of pictures and when they are due, in milliseconds.
fn script() -> Vec<(i64, Vec<u8>)> {
    let mut out = Vec::new();
    let mut sequence = 0;
    let mut digital = |at: i64, number: u8, codes: Service| {
        out.push((at, dtvcc::triplets(&packet(sequence % 4, &[(number, codes.bytes())]))));
        sequence += 1;
    };
    let service = Service::default;
    let hidden = |rows| Define { rows, columns: 32, vertical: 60, horizontal: 100, anchor: 7, ..Define::default() };
    digital(1000, 1, service().define(0, hidden(2)).text("Two lines").carriage_return().text("of the first"));
    digital(2000, 1, service().display(1));
    digital(2500, 2, service().define(1, hidden(1)).text("Of the second"));
    digital(3000, 2, service().display(2));
    digital(4000, 1, service().hide(1));
    digital(5000, 1, service().toggle(1));
    digital(6000, 1, service().clear(1));
    digital(6500, 2, service().delete(2));
    digital(7000, 1, service().hide(1));
    digital(7500, 1, service().text("Typed").backspace().backspace().text("ed!").display(1));
    // mux.js tells what a window holds when it is hidden, not what it held until it was cleared.
    digital(8500, 1, service().hide(1));
    digital(8600, 1, service().form_feed().raw(&[0xc9, 0xf1, 0x10, 0x3c, 0x7f, 0x10, 0x39]));
    digital(9500, 1, service().display(1));
    digital(10_500, 1, service().reset());
    digital(
        11_000,
        5,
        service().define(7, hidden(3)).text("a").carriage_return().text("b").carriage_return().text("c").display(0x80),
    );
    digital(12_000, 5, service().delete(0xff));
    // mux.js reads a packet when the next one begins.
    digital(13_000, 1, service().form_feed());
    // Line 21 in all channels.
    let mut analogue = |at: i64, field: u8, second: bool, text: &str| {
        let line = || Line21 { second, doubled: true, ..Line21::default() };
        // Field 2 has codes of its own for commands (CTA-608-E, 8.4); mux.js knows no others there.
        let command = |line: Line21, code: u8| line.code(if field == 1 { 0x14 } else { 0x15 }, code);
        let load = command(command(line(), 0x20), 0x2e).indent(14, 0).text(text);
        out.push((at, line21::triplets(field, &load.pairs())));
        out.push((at + 1000, line21::triplets(field, &command(line(), 0x2f).pairs())));
        out.push((at + 2000, line21::triplets(field, &command(line(), 0x2c).pairs())));
    };
    analogue(20_000, 1, false, "field one");
    analogue(21_300, 1, true, "second channel");
    analogue(25_000, 2, false, "field two ");
    analogue(29_000, 2, true, "last of all ");
    out.sort_by_key(|(at, _)| *at);
    out
}

/// The script as SEI payloads without emulation prevention, in hexadecimal.
fn pictures() -> Value {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    script()
        .chunks(1)
        .flatten()
        .map(|(pts, triplets)| {
            // No more than 31 triplets in one message.
            let messages: Vec<u8> = triplets.chunks(3 * 31).flat_map(message).collect();
            json!({"pts": pts, "sei": hex(&[&messages[..], &[0x80]].concat())})
        })
        .collect()
}

#[test]
fn the_script_is_the_committed_file() {
    let text = serde_json::to_string_pretty(&pictures()).expect("JSON") + "\n";
    if std::env::var_os("TELECINE_BLESS").is_some() {
        std::fs::write(path("pictures.json"), &text).expect("pictures.json is writable");
    }
    let written = std::fs::read_to_string(path("pictures.json")).expect("pictures.json is committed");
    assert_eq!(written, text, "run once with TELECINE_BLESS=1, then mux.cjs");
}

#[test]
fn every_caption_is_told_as_mux_js_tells_it() {
    let text = std::fs::read_to_string(path("mux.json")).expect("mux.json is committed");
    let theirs: Value = serde_json::from_str(&text).expect("JSON");
    let mut expected: BTreeMap<String, Vec<(i64, i64, String)>> = BTreeMap::new();
    for caption in theirs["captions"].as_array().expect("a list") {
        let stream = caption["stream"].as_str().expect("a name");
        let channel = match stream.strip_prefix("cc708_") {
            Some(number) => format!("SERVICE{number}"),
            None => stream.to_owned(),
        };
        let time = |name: &str| caption[name].as_i64().expect("milliseconds");
        let text = caption["text"].as_str().expect("a text").to_owned();
        expected.entry(channel).or_default().push((time("start"), time("end"), text));
    }
    let mut decoder = CaptionDecoder::new(&Limits::default());
    for picture in pictures().as_array().expect("a list") {
        let hex = picture["sei"].as_str().expect("hexadecimal");
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        let nal: Vec<u8> = [6].into_iter().chain((0..hex.len()).step_by(2).map(byte)).collect();
        let pts = MediaTime::from_millis(picture["pts"].as_i64().expect("milliseconds"));
        sei::cc_data_of_nal(&nal, false, |triplets| decoder.push(pts, triplets));
    }
    decoder.finish(MediaTime::from_secs(60));
    let mut found: BTreeMap<String, Vec<(i64, i64, String)>> = BTreeMap::new();
    while let Some((channel, cue)) = decoder.poll() {
        // Theirs are trimmed.
        let mut text = cue.plain_text();
        if !matches!(channel, CaptionChannel::Service(_)) {
            text = text.trim().to_owned();
        }
        found.entry(channel.to_string()).or_default().push((cue.start.as_millis(), cue.end.as_millis(), text));
    }
    assert_eq!(found, expected);
    assert_eq!(found.len(), 7);
}
