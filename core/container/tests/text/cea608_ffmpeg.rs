//! What ffmpeg's decoder makes of line 21, letter by letter, and what ours does.
//!
//! The script below is written as `captions.scc`, of which `make.sh` makes `captions.ass` by ffmpeg.

use std::collections::BTreeMap;

use telecine_container::text::cea::{CaptionChannel, CaptionDecoder};
use telecine_model::cue::{Line, Node, Rgba, TextStyle};
use telecine_model::{Cue, Limits, MediaTime};

use crate::line21::{parity, triplets, Line21, Look};

fn path(name: &str) -> String {
    format!("{}/tests/data/text/cea/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What is sent, and in which second.
fn script() -> Vec<(i64, Vec<[u8; 2]>)> {
    let mut script = Vec::new();
    let mut second = 1;
    let line = || Line21::default();
    let mut pop = |caption: Line21| {
        script.push((second, caption.pairs()));
        script.push((second + 1, line().twice().end_of_caption().pairs()));
        script.push((second + 3, line().twice().erase_displayed().pairs()));
        second += 4;
    };
    let load = || line().twice().resume_loading().erase_hidden();
    pop(load().indent(14, 0).text("HELLO,").indent(15, 8).text("aabb World"));
    pop(load().indent(15, 0).text("!\"#$%&’()á+,-./0123456789:;<=>?@"));
    pop(load().indent(15, 0).text("[é]íóúç÷Ññ█"));
    pop(load().indent(15, 0).text("®°½¿™¢£♪àèâêîôû"));
    pop(load().indent(15, 0).text("ÁÉÓÚÜü‘¡*'—©℠•“”"));
    pop(load().indent(15, 0).text("ÀÂÇÈÊËëÎÏïÔÙùÛ«»"));
    pop(load().indent(15, 0).text("ÃãÍÌìÒòÕõ{}\\^_|~"));
    pop(load().indent(15, 0).text("ÄäÖöß¥¤│ÅåØø┌┐└┘"));
    for rows in [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15]] {
        let [first, second, third] = rows;
        pop(load().indent(first, 4).text("one ").indent(second, 28).text("two ").indent(third, 16).text("three "));
    }
    pop(load()
        .row(12, Look::Green, false)
        .text("green ")
        .row(13, Look::Blue, true)
        .text("blue")
        .row(14, Look::Cyan, false)
        .text("cyan")
        .row(15, Look::Italic, true)
        .text("italic"));
    pop(load()
        .row(13, Look::Red, false)
        .text("red ")
        .row(14, Look::Yellow, true)
        .text("yellow")
        .row(15, Look::Magenta, false)
        .text("magenta "));
    pop(load()
        .indent(15, 4)
        .text("AB")
        .mid_row(Look::Italic, false)
        .text("it")
        .mid_row(Look::Red, false)
        .text("re")
        .mid_row(Look::White, true)
        .text("un"));
    // No backspace: ffmpeg does not heed it.
    pop(load().indent(15, 0).text("gaps").tab(3).text("gaps"));
    pop(load().indent(15, 0).text("A ").background(4, false).text("on red"));
    // Up to the last column; ffmpeg drops what comes behind it.
    pop(load().indent(15, 28).text("abcd"));
    let mut send = |seconds: i64, codes: Line21| {
        script.push((second, codes.pairs()));
        second += seconds;
    };
    let roll = |rows| line().twice().roll_up(rows).carriage_return().indent(15, 0);
    send(2, roll(2).text("ROLL ONE"));
    send(2, roll(2).text("ROLL TWO"));
    send(2, roll(2).text("ROLL SIX"));
    send(2, line().twice().erase_displayed());
    for text in ["first row ", "second row", "third row ", "fourth row"] {
        send(2, roll(3).text(text));
    }
    send(2, line().twice().erase_displayed());
    for text in ["1st ", "2nd ", "3rd ", "4th ", "5th "] {
        send(1, roll(4).text(text));
    }
    send(2, line().twice().erase_displayed());
    script
}

/// The script as a Scenarist file.
fn scenarist() -> String {
    let mut text = String::from("Scenarist_SCC V1.0\n");
    for (second, pairs) in script() {
        let words: Vec<_> = pairs.iter().map(|[a, b]| format!("{:02x}{:02x}", parity(*a), parity(*b))).collect();
        text += &format!("\n00:{:02}:{:02}:00\t{}\n", second / 60, second % 60, words.join(" "));
    }
    text
}

/// A letter on the screen.
#[derive(Clone, Debug, PartialEq)]
struct Letter {
    char: char,
    color: [u8; 3],
    background: [u8; 3],
    italic: bool,
    underline: bool,
}

/// Letters by row and column.
type Picture = BTreeMap<(i64, i64), Letter>;

fn rgb(colour: Option<Rgba>) -> [u8; 3] {
    colour.map_or([0; 3], |colour| [colour.r, colour.g, colour.b])
}

/// Paints a cue into a picture.
fn paint(cue: &Cue, picture: &mut Picture) {
    let Line::Percent(top) = cue.layout.line else { panic!("captions have a place: {:?}", cue.layout) };
    let cell = |share: f64, count: f64| ((share - 10.0) / 80.0 * count).round() as i64;
    let left = cell(cue.layout.position.expect("captions have a place").as_f64(), 32.0);
    let (mut row, mut column) = (cell(top.as_f64(), 15.0), left);
    fn letters(nodes: &[Node], style: &TextStyle, at: &mut impl FnMut(Result<char, u16>, &TextStyle)) {
        for node in nodes {
            match node {
                Node::Text(text) => text.chars().for_each(|char| at(Ok(char), style)),
                Node::Span(span) => letters(&span.children, &span.style.within(style), at),
                Node::Gap(cells) => at(Err(*cells), style),
                other => panic!("everything was painted at once: {other:?}"),
            }
        }
    }
    letters(&cue.text, &cue.style, &mut |what, style| match what {
        Ok('\n') => (row, column) = (row + 1, left),
        Err(cells) => column += i64::from(cells),
        Ok(char) => {
            let letter = Letter {
                char,
                color: rgb(style.color),
                background: rgb(style.background),
                italic: style.italic == Some(true),
                underline: style.underline == Some(true),
            };
            picture.insert((row, column), letter);
            column += 1;
        }
    });
}

/// A time of ASS, `0:00:02.00`, in milliseconds.
fn millis(text: &str) -> i64 {
    let parts: Vec<f64> = text.split(':').map(|part| part.parse().expect("a number")).collect();
    ((parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]) * 1000.0).round() as i64
}

/// The pictures of an ASS file by start and end.
fn pictures(ass: &str) -> BTreeMap<(i64, i64), Picture> {
    let mut out = BTreeMap::new();
    for line in ass.lines().filter_map(|line| line.strip_prefix("Dialogue: ")) {
        let fields: Vec<_> = line.splitn(10, ',').collect();
        let mut picture = Picture::new();
        let mut pen = Letter { char: ' ', color: [255; 3], background: [0; 3], italic: false, underline: false };
        for row in fields[9].split("\\N") {
            let (mut y, mut x) = (0, 0);
            let mut rest = row;
            while let Some(char) = rest.chars().next() {
                // A brace that is no tag is a letter.
                let tag = rest.strip_prefix("{\\").and_then(|tag| tag.split_once('}'));
                if let Some((tag, behind)) = tag {
                    rest = behind;
                    let colour = |hex: &str| {
                        let value = u32::from_str_radix(hex.trim_matches(['&', 'H']), 16).expect("a colour");
                        let [_, b, g, r] = value.to_be_bytes();
                        [r, g, b]
                    };
                    if let Some(place) = tag.strip_prefix("pos(").and_then(|place| place.strip_suffix(')')) {
                        // 384 x 288, 80 % of it in 32 columns and 15 rows.
                        let (left, top) = place.split_once(',').expect("two numbers");
                        let number = |text: &str| text.parse::<f64>().expect("a number");
                        x = ((number(left) - 38.4) / 9.6).round() as i64;
                        y = ((number(top) - 28.8) / 15.36).round() as i64;
                    } else if let Some(hex) = tag.strip_prefix("3c") {
                        pen.background = colour(hex);
                    } else if let Some(hex) = tag.strip_prefix('c') {
                        pen.color = colour(hex);
                    } else {
                        match tag {
                            "i1" => pen.italic = true,
                            "i0" => pen.italic = false,
                            "u1" => pen.underline = true,
                            "u0" => pen.underline = false,
                            "an7" => {}
                            _ => panic!("{tag} in {line}"),
                        }
                    }
                    continue;
                }
                // A blank that is not to be broken.
                if let Some(behind) = rest.strip_prefix("\\h") {
                    rest = behind;
                    x += 1;
                    continue;
                }
                picture.insert((y, x), Letter { char, ..pen.clone() });
                x += 1;
                rest = &rest[char.len_utf8()..];
            }
        }
        out.insert((millis(fields[1]), millis(fields[2])), picture);
    }
    out
}

/// Characters for which ffmpeg takes others that look alike: theirs, and ours as CTA-608-E draws them.
const ALIKE: [(char, char); 5] = [('´', '‘'), ('‘', '\''), ('-', '—'), ('·', '•'), ('¦', '│')];

#[test]
fn the_script_is_the_committed_file() {
    if std::env::var_os("TELECINE_BLESS").is_some() {
        std::fs::write(path("captions.scc"), scenarist()).expect("captions.scc is writable");
    }
    let written = std::fs::read_to_string(path("captions.scc")).expect("captions.scc is committed");
    assert_eq!(written, scenarist(), "run once with TELECINE_BLESS=1, then make.sh");
}

#[test]
fn every_caption_is_where_ffmpeg_sees_it_and_looks_the_same() {
    let ass = std::fs::read_to_string(path("captions.ass")).expect("captions.ass is committed");
    let theirs = pictures(&ass);
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let mut ours: BTreeMap<(i64, i64), Picture> = BTreeMap::new();
    for (second, pairs) in script() {
        // ffmpeg lets all pairs of a line of the file happen at its time.
        for pair in pairs {
            decoder.push(MediaTime::from_secs(second), &triplets(1, &[pair]));
            decoder.flush();
        }
    }
    while let Some((channel, cue)) = decoder.poll() {
        assert_eq!(channel, CaptionChannel::Cc1);
        paint(&cue, ours.entry((cue.start.as_millis(), cue.end.as_millis())).or_default());
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let mut letters = 0;
    for (times, ours) in &ours {
        let theirs = &theirs[times];
        // Blanks are letters for us; ffmpeg may leave them out where nothing follows, and fills gaps with them.
        let seen = |picture: &Picture| -> Picture {
            picture.iter().filter(|(_, letter)| letter.char != ' ').map(|(at, letter)| (*at, letter.clone())).collect()
        };
        let (ours, theirs) = (seen(ours), seen(theirs));
        assert_eq!(
            ours.keys().collect::<Vec<_>>(),
            theirs.keys().collect::<Vec<_>>(),
            "{times:?}: {ours:?} {theirs:?}"
        );
        for (at, our) in &ours {
            let mut their = theirs[at].clone();
            if let Some((_, ours)) = ALIKE.iter().find(|(theirs, ours)| *theirs == their.char && *ours == our.char) {
                their.char = *ours;
            }
            assert_eq!(*our, their, "{times:?} at {at:?}");
            letters += 1;
        }
    }
    assert!(letters > 400, "only {letters} letters were compared");
}
