//! The report as text.

use std::fmt::Write as _;

use super::document::Document;
use super::study::World;
use super::tables::{self, Cells};

/// The whole report in Markdown.
pub fn text(document: &Document) -> String {
    let mut text = String::with_capacity(64 << 10);
    let _ = writeln!(text, "# Bitrate choice\n\n{}\n", introduction(document).join("\n\n"));
    let _ = writeln!(text, "## What was asked for\n");
    for cells in tables::of_checks(document) {
        table(&mut text, &cells);
    }
    for found in &document.matches {
        let _ = writeln!(text, "## {}\n", tables::title(found));
        for of in &found.tables {
            let _ = writeln!(text, "### {}\n", tables::world(of));
            for cells in tables::of(found, of) {
                table(&mut text, &cells);
            }
        }
    }
    text
}

/// The rules by set, a table for each world: what documents quote.
pub fn rules(document: &Document) -> String {
    let mut text = "Q1 / normalised QoE_lin / sabre / seconds of stall a session.\n\n".to_owned();
    for cells in World::ALL.into_iter().filter_map(|world| tables::of_world(document, world)) {
        table(&mut text, &cells);
    }
    text
}

/// What the tables mean, in paragraphs.
pub fn introduction(document: &Document) -> Vec<String> {
    let mut paragraphs = vec![
        format!(
            "What rules of bitrate choice make of recorded networks: Telecine {}, {}. Every rule is in every table, by Q1 from the \
             best to the last.",
            document.telecine,
            if document.whole { "all traces of every set" } else { "a part of the traces, which tells nothing of all" }
        ),
        "Q1 is the primary score, of content time: mean quality, less 3 s of content for each unit of its changes, each second of \
         stall and each two of start; live sessions of the player also pay for lateness and speed. QoE_lin is (sum of bitrates - sum \
         of changes) in Mbit/s - the highest bitrate · stall; sabre is the score of the rules' authors. Regret is what the optimum \
         has more; normalised is 0 for always-lowest and 1 for the optimum of the faithful mode, a ratio of sums; a session has none of \
         its own where that optimum has next to nothing beyond always-lowest. The optimum is a session that can be \
         played, found by who knows the network, so the true one is between it and the upper bound. No session passes the bound, \
         whatever it gives up or fetches again, if it begins no later than the last one of its table. Intervals of 95 % are \
         bootstrapped; those of differences are of pairs, trace by trace. Rules were tuned on even traces (CRC-32 of the name) but for three: the front on which the first constants of fast \
         switching were chosen was of all traces, low-latency was chosen on networks of its own, and two constants of the player's \
         foresight (how much recent errors widen its spread, and how much the calm narrows it) were chosen on all traces against what is \
         asked of it: of the player's foresight, odd traces are no proof for these. Foresight in the faithful mode has neither, and one error for all \
         times."
            .to_owned(),
        "Faithful sessions follow the simulator that the published figures are of. In the player's, the manifest comes first, nothing \
         is known of the network at the start, and sizes are those that bitrates promise. Names with -without-ao may oscillate; -FS \
         fetches buffered segments again, as the player does. The optimum, the bound and regret are of sessions of the same world: in the \
         faithful one they begin at the lowest level, in the player's with any, behind the manifest. What is normalised is by the faithful \
         optimum in both, so that both worlds are held against the same figures. The 3G and 4G traces are of 2010 and 2016: they tell of logic, not of \
         what viewers have today. Why what is short is short: docs/abr.md."
            .to_owned(),
    ];
    if !document.missing.is_empty() {
        paragraphs.push(format!("Sets that were not there: {}.", document.missing.join(", ")));
    }
    paragraphs
}

fn table(text: &mut String, cells: &Cells) {
    let _ = writeln!(text, "{}\n", cells.title);
    let row = |cells: &[String]| {
        format!("| {} |", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    let _ = writeln!(text, "{}", row(&cells.heading));
    let aligned = |index: usize| if index == 0 { "---" } else { "---:" };
    let _ = writeln!(text, "|{}|", (0..cells.heading.len()).map(aligned).collect::<Vec<_>>().join("|"));
    for of in &cells.rows {
        let mut shown = of.cells.clone();
        if let (super::tables::Kind::Default, Some(name)) = (of.kind, shown.first_mut()) {
            *name = format!("**{name}**");
        }
        let _ = writeln!(text, "{}", row(&shown));
    }
    text.push('\n');
}
