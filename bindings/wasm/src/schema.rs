//! What crosses the boundary: the table of records, and the numbers by which both sides name things. The table that
//! JavaScript reads is written from this one (`TELECINE_BLESS=1 cargo test -p telecine-wasm`); a test fails if they differ.
//!
//! # Rules
//!
//! 1. **Read the whole outbox before you call any export.** An export may grow the memory, which detaches every view of it.
//!    Views are made where they are used.
//! 2. **A span is valid until [`give_back`](crate::give_back)** of the handle beside it, and no longer.
//! 3. **Never re-enter.** What a record leads to is called when the outbox has been read: mutate once, then drain.
//! 4. Times of the host's clock are microseconds; media times are seconds, negative and positive infinity are the ends of the
//!    timeline.

use telecine_model::TrackKind;

macro_rules! tags {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        /// The first byte of a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Tag { $($(#[doc = $doc])+ $name = $code,)+ }

        impl Tag {
            /// Each with its number and what is in it.
            pub const ALL: &'static [(&'static str, u8, &'static str)] = &[$((stringify!($name), $code, concat!($($doc),+)),)+];
        }
    };
}

tags! {
    /// Make a request. slot u32, flags u8 (1: HEAD, 2: a byte range, 4: a letter about a licence follows, 8: no redirect is followed), urgency u8, url text, first f64, last f64, headTimeout f64 (ms), idleTimeout f64 (ms), pace f64 (bits a second, 0: none); with flag 4 handle u32, place u32, length u32.
    Fetch = 1;
    /// Stop a request. slot u32.
    Cancel = 2;
    /// What follows for a source needs this type and initialisation. source u8, mime text, handle u32, spans.
    Configure = 3;
    /// Every source that is to come has its configuration: source buffers are made now, before the first byte.
    Open = 4;
    /// Media. source u8, handle u32, offset f64, from f64, to f64 (the window), spans.
    Append = 5;
    /// Drop what is buffered. source u8, from f64, to f64.
    Remove = 6;
    /// There is nothing of a kind there. kind u8, from f64, to f64.
    Silence = 7;
    /// Nothing follows until the next seek.
    EndOfStream = 8;
    /// Let the playhead run.
    Play = 9;
    /// Hold it.
    Pause = 10;
    /// Its speed. rate f64 (1: normal).
    Rate = 11;
    /// Move it. position f64. Each is answered.
    Seek = 12;
    /// Nothing of a source is played from now on. source u8.
    Disable = 13;
    /// Playback is over; let go of everything.
    Stop = 14;
    /// How long the title is. seconds f64; infinite where it is live.
    Duration = 15;
    /// Tell the application. value.
    Event = 16;
    /// When to call `timer`, the last record of each turn. microseconds f64; infinite: not at all.
    Deadline = 17;
    /// Something for the key system of the page: a letter (`KeyOrder`). handle u32, place u32, length u32.
    Cdm = 18;
    /// Nothing follows for one kind until the next seek, while others may go on. kind u8.
    Ended = 19;
}

/// The first byte of a value: what events and answers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Shape {
    /// Nothing.
    Null = 0,
    /// No.
    False = 1,
    /// Yes.
    True = 2,
    /// A number: f64.
    Number = 3,
    /// A text.
    Text = 4,
    /// Values until `End`.
    List = 5,
    /// A name as a text and a value, again and again until `End`.
    Map = 6,
    /// Ends what is open.
    End = 7,
    /// Bytes: how many as u32, and themselves.
    Bytes = 8,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Null, Self::False, Self::True, Self::Number, Self::Text, Self::List, Self::Map, Self::End, Self::Bytes];
}

/// The number of a kind of track.
pub fn kind_number(kind: TrackKind) -> u8 {
    match kind {
        TrackKind::Video => 0,
        TrackKind::Audio => 1,
        TrackKind::Text => 2,
        TrackKind::Image => 3,
        TrackKind::Metadata => 4,
    }
}

/// The kind of track with this number.
pub fn kind(number: u8) -> Option<TrackKind> {
    [TrackKind::Video, TrackKind::Audio, TrackKind::Text, TrackKind::Image, TrackKind::Metadata]
        .into_iter()
        .find(|kind| kind_number(*kind) == number)
}

/// The table as TypeScript.
pub fn typescript() -> String {
    use std::fmt::Write as _;
    let mut out = String::from(
        "// Written from bindings/wasm/src/schema.rs by its test; not to be edited.\n\n\
         /** The first byte of a record. */\nexport const enum Tag {\n",
    );
    // Writing to a String cannot fail.
    for (name, code, doc) in Tag::ALL {
        let _ = writeln!(out, "  /** {} */\n  {name} = {code},", doc.trim());
    }
    out.push_str("}\n\n/** The first byte of a value. */\nexport const enum Shape {\n");
    for shape in Shape::ALL {
        let _ = writeln!(out, "  {shape:?} = {},", shape as u8);
    }
    out.push_str("}\n\n/** The kinds of tracks, by their numbers. */\nexport const KINDS = [");
    let names: Vec<_> =
        (0u8..).map_while(kind).map(|kind| format!("\"{}\"", format!("{kind:?}").to_lowercase())).collect();
    let _ = writeln!(out, "{}] as const;", names.join(", "));
    out.push_str("\n/** What `set` and `set_text` know. */\nexport const enum Setting {\n");
    for (name, key, doc) in crate::settings::ALL {
        let _ = writeln!(out, "  /** {} */\n  {name} = {key},", doc.trim());
    }
    out.push_str("}\n");
    for table in crate::keys::TABLES {
        let _ = writeln!(out, "\n/** {} */\nexport const enum {} {{", table.what.trim(), table.name);
        for (name, code, doc) in table.rows {
            let _ = writeln!(out, "  /** {} */\n  {name} = {code},", doc.trim());
        }
        out.push_str("}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_web_platform_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../platforms/web/src/boundary/schema.ts");
        if std::env::var_os("TELECINE_BLESS").is_some() {
            std::fs::write(path, typescript()).expect("schema.ts can be written");
        }
        let there = std::fs::read_to_string(path).expect("schema.ts is there");
        assert!(there == typescript(), "run TELECINE_BLESS=1 cargo test -p telecine-wasm");
    }

    #[test]
    fn tags_are_not_used_twice() {
        for pair in Tag::ALL.windows(2) {
            assert!(pair[0].1 < pair[1].1, "{pair:?}");
        }
    }
}
