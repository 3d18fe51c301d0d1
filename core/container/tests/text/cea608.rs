//! CEA-608: how captions come to the screen over time, and what may go wrong on the way.

use proptest::prelude::*;
use telecine_container::text::cea::{CaptionChannel, CaptionDecoder};
use telecine_model::cue::{FontFamily, FontSize, Line, Node, Percent, PositionAlign, Rgba};
use telecine_model::{Cue, CueStore, Limits, MediaTime};
use CaptionChannel::{Cc1, Cc2, Cc3, Cc4};

use crate::line21::{triplets, Line21, Look};

fn millis(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

/// Pushes pairs at one time.
fn push(decoder: &mut CaptionDecoder, at: i64, field: u8, codes: Line21) {
    decoder.push(millis(at), &triplets(field, &codes.pairs()));
}

/// Pushes pairs one for each picture at 30 frames a second, as on air; the time behind the last one.
fn stream(decoder: &mut CaptionDecoder, from: i64, field: u8, codes: Line21) -> i64 {
    let mut at = from;
    for pair in codes.pairs() {
        decoder.push(millis(at), &triplets(field, &[pair]));
        at += 33;
    }
    at
}

fn drain(decoder: &mut CaptionDecoder) -> Vec<(CaptionChannel, Cue)> {
    decoder.flush();
    std::iter::from_fn(|| decoder.poll()).collect()
}

/// Channel, text, start and end in milliseconds.
fn told(cues: &[(CaptionChannel, Cue)]) -> Vec<(CaptionChannel, String, i64, i64)> {
    let millis = |time: MediaTime| if time == Cue::OPEN_END { i64::MAX } else { time.as_millis() };
    cues.iter().map(|(channel, cue)| (*channel, cue.plain_text(), millis(cue.start), millis(cue.end))).collect()
}

fn line() -> Line21 {
    Line21::default()
}

fn load() -> Line21 {
    line().resume_loading().erase_hidden()
}

#[test]
fn a_caption_that_pops_on_is_seen_from_its_end_code_until_it_is_erased() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 1000, 1, load().indent(15, 4).text("Hello"));
    push(&mut decoder, 2000, 1, line().end_of_caption());
    // The next one is loaded while the first is seen, and replaces it.
    push(&mut decoder, 2500, 1, load().indent(15, 4).text("again"));
    push(&mut decoder, 3000, 1, line().end_of_caption());
    push(&mut decoder, 4000, 1, line().erase_displayed());
    let cues = drain(&mut decoder);
    assert_eq!(told(&cues), [(Cc1, "Hello".into(), 2000, 3000), (Cc1, "again".into(), 3000, 4000)]);
    let cue = &cues[0].1;
    // Row 15 and column 4 of the safe area.
    assert_eq!(cue.layout.position, Some(Percent::whole(20)));
    assert_eq!(cue.layout.position_align, PositionAlign::LineLeft);
    let Line::Percent(top) = cue.layout.line else { panic!("{:?}", cue.layout) };
    assert!((top.as_f64() - (10.0 + 80.0 * 14.0 / 15.0)).abs() < 0.001);
    assert_eq!((cue.style.color, cue.style.background), (Some(Rgba::WHITE), Some(Rgba::BLACK)));
    assert_eq!(cue.style.font_family, Some(FontFamily::MonospaceSansSerif));
    assert_eq!(cue.style.font_size, Some(FontSize::OfVideo(Percent::from_units(53_333))));
}

#[test]
fn letters_of_rolling_captions_appear_when_they_arrive() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let start = line().roll_up(2).carriage_return().indent(15, 0);
    stream(&mut decoder, 0, 1, start.clone().text("ABCD"));
    stream(&mut decoder, 1000, 1, start.text("EF"));
    push(&mut decoder, 2000, 1, line().erase_displayed());
    let cues = drain(&mut decoder);
    let times: Vec<_> = told(&cues);
    assert_eq!(times, [(Cc1, "ABCD".into(), 99, 1033), (Cc1, "ABCD\nEF".into(), 1033, 2000)]);
    let at = |time| Node::Time(millis(time));
    assert_eq!(cues[0].1.text, [Node::text("AB"), at(132), Node::text("CD")]);
    // The row that moved up is there at once; the new one comes letter by letter.
    assert_eq!(cues[1].1.text, [Node::text("ABCD\n"), at(1099), Node::text("EF")]);
}

#[test]
fn painted_captions_end_when_something_of_them_goes() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 1000, 1, line().resume_direct().indent(1, 0).text("abcd"));
    push(&mut decoder, 2000, 1, line().indent(3, 0).text("efgh"));
    // The same letters again change nothing.
    push(&mut decoder, 2500, 1, line().indent(1, 0).text("ab"));
    push(&mut decoder, 3000, 1, line().backspace());
    push(&mut decoder, 4000, 1, line().indent(3, 0).delete_to_end());
    push(&mut decoder, 5000, 1, line().indent(1, 0).text("xy"));
    push(&mut decoder, 6000, 1, line().erase_displayed());
    assert_eq!(
        told(&drain(&mut decoder)),
        [
            (Cc1, "abcd".into(), 1000, 3000),
            (Cc1, "efgh".into(), 2000, 3000),
            (Cc1, "a cd".into(), 3000, 4000),
            (Cc1, "efgh".into(), 3000, 4000),
            (Cc1, "a cd".into(), 4000, 5000),
            (Cc1, "xycd".into(), 5000, 6000),
        ]
    );
}

#[test]
fn an_accent_that_follows_its_letter_does_not_cut_the_caption() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    stream(&mut decoder, 0, 1, line().roll_up(2).carriage_return().indent(15, 0).text("déÀ la"));
    push(&mut decoder, 1000, 1, line().erase_displayed());
    assert_eq!(told(&drain(&mut decoder)), [(Cc1, "déÀ la".into(), 99, 1000)]);
}

#[test]
fn each_channel_of_each_field_has_captions_of_its_own() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let second = || Line21 { second: true, ..line() };
    for (at, field, codes) in [(0, 1, line()), (10, 1, second()), (20, 2, line()), (30, 2, second())] {
        push(&mut decoder, at, field, codes.roll_up(2).carriage_return().indent(15, 0).text(&at.to_string()));
    }
    push(&mut decoder, 1000, 1, line().erase_displayed());
    push(&mut decoder, 1001, 1, second().erase_displayed());
    // Writers of field 2 use codes of field 1 and of field 2.
    push(&mut decoder, 1002, 2, line().code(0x15, 0x2c));
    push(&mut decoder, 1003, 2, second().erase_displayed());
    assert_eq!(
        told(&drain(&mut decoder)),
        [
            (Cc1, "0".into(), 0, 1000),
            (Cc2, "10".into(), 10, 1001),
            (Cc3, "20".into(), 20, 1002),
            (Cc4, "30".into(), 30, 1003),
        ]
    );
}

#[test]
fn codes_that_are_sent_twice_count_once_even_with_padding_between() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let start = || line().twice().roll_up(3).carriage_return().indent(15, 0);
    push(&mut decoder, 0, 1, start().text("a "));
    push(&mut decoder, 1000, 1, start().text("b "));
    // A carriage return, padding, and the same again; then one more that is meant.
    push(&mut decoder, 2000, 1, line().carriage_return().code(0, 0).carriage_return());
    push(&mut decoder, 3000, 1, line().carriage_return());
    push(&mut decoder, 4000, 1, line().erase_displayed());
    assert_eq!(
        told(&drain(&mut decoder)),
        [
            (Cc1, "a ".into(), 0, 1000),
            (Cc1, "a \nb ".into(), 1000, 2000),
            (Cc1, "a \nb ".into(), 2000, 3000),
            (Cc1, "b ".into(), 3000, 4000),
        ]
    );
}

#[test]
fn pictures_in_decoding_order_are_read_in_the_order_of_presentation() {
    let pairs = line().roll_up(2).carriage_return().indent(15, 0).text("ABCDEFGHIJKLMNOPQRST").pairs();
    let mut decoder = CaptionDecoder::new(&Limits::default());
    // Groups of four: the last picture of each comes first.
    for (group, four) in pairs.chunks(4).enumerate() {
        for at in [3, 1, 0, 2] {
            if let Some(pair) = four.get(at) {
                decoder.push(millis((group * 4 + at) as i64 * 40), &triplets(1, &[*pair]));
            }
        }
    }
    decoder.finish(millis(2000));
    assert_eq!(told(&drain(&mut decoder)), [(Cc1, "ABCDEFGHIJKLMNOPQRST".into(), 120, 2000)]);
}

#[test]
fn what_is_seen_at_the_end_is_open_and_gets_its_end_later() {
    let (mut store, mut changes) = (CueStore::new(&Limits::default()), Vec::new());
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 0, 1, load().indent(15, 0).text("seen"));
    push(&mut decoder, 1000, 1, line().end_of_caption());
    let mut step = |decoder: &mut CaptionDecoder| {
        for (_, cue) in drain(decoder) {
            store.insert(cue, &mut changes);
        }
        store.set_open(decoder.open().into_iter().map(|(_, cue)| cue), &mut changes);
        store.iter().map(|(_, cue)| (cue.plain_text(), cue.is_open())).collect::<Vec<_>>()
    };
    assert_eq!(step(&mut decoder), [("seen".to_owned(), true)]);
    push(&mut decoder, 3000, 1, line().erase_displayed());
    assert_eq!(step(&mut decoder), [("seen".to_owned(), false)]);
    push(&mut decoder, 4000, 1, line().roll_up(2).carriage_return().text("ro"));
    assert_eq!(step(&mut decoder), [("seen".to_owned(), false), ("ro".to_owned(), true)]);
    push(&mut decoder, 4500, 1, line().text("ll"));
    assert_eq!(step(&mut decoder), [("seen".to_owned(), false), ("roll".to_owned(), true)]);
    decoder.finish(millis(9000));
    assert_eq!(step(&mut decoder), [("seen".to_owned(), false), ("roll".to_owned(), false)]);
}

#[test]
fn other_services_of_line_21_are_no_captions() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    // Extended data in field 2 interrupts a caption, which goes on behind it.
    push(&mut decoder, 0, 2, line().roll_up(2).carriage_return().text("be"));
    decoder.push(millis(100), &triplets(2, &[[0x01, 0x03], *b"TI", *b"TL", [0x0f, 0x1d]]));
    push(&mut decoder, 200, 2, line().text("fore"));
    // Text mode is not read, until captions are resumed.
    push(&mut decoder, 300, 1, line().text_restart().text("page"));
    push(&mut decoder, 400, 1, line().roll_up(2).carriage_return().text("caption "));
    decoder.finish(millis(1000));
    assert_eq!(told(&drain(&mut decoder)), [(Cc1, "caption ".into(), 400, 1000), (Cc3, "before".into(), 0, 1000)]);
}

#[test]
fn text_without_a_mode_and_codes_without_meaning_do_nothing() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 0, 1, line().text("lost").carriage_return().backspace().delete_to_end().erase_displayed());
    push(
        &mut decoder,
        1,
        1,
        line().code(0x10, 0x70).code(0x14, 0x22).code(0x17, 0x20).code(0x11, 0x7f).code(0x16, 0x25),
    );
    // Not valid, of an unknown length, or nothing at all.
    decoder.push(millis(2), &[0xf8, 0x94, 0x25]);
    decoder.push(millis(3), &[0xfc, 0x94]);
    decoder.push(millis(4), &[]);
    decoder.finish(millis(5));
    assert_eq!(told(&drain(&mut decoder)), []);
}

#[test]
fn attributes_inside_a_row_take_a_cell_and_end_with_it() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let styled = load().indent(14, 0).text("ab").mid_row(Look::Yellow, true).text("cd").flash().text("ef");
    push(&mut decoder, 0, 1, styled.indent(15, 0).text("gh ").code(0x17, 0x2f).text("ij").code(0x17, 0x2d).text("kl"));
    push(&mut decoder, 1000, 1, line().end_of_caption());
    decoder.finish(millis(2000));
    let cues = drain(&mut decoder);
    let runs = cues[0].1.runs();
    let looks: Vec<_> = runs
        .iter()
        .map(|run| (run.text, run.style.color, run.style.underline == Some(true), run.style.flash == Some(true)))
        .collect();
    let (white, yellow, black) = (Some(Rgba::WHITE), Some(Rgba::YELLOW), Some(Rgba::BLACK));
    assert_eq!(
        looks,
        [
            ("ab", white, false, false),
            (" cd", yellow, true, false),
            (" ef\n", yellow, true, true),
            ("gh", white, false, false),
            // These replace the space before them.
            (" i", black, true, false),
            (" kl", black, true, false),
        ]
    );
    assert_eq!(runs[5].style.background, Some(Rgba::TRANSPARENT));
}

#[test]
fn rolling_captions_move_with_their_base_row_and_change_their_depth() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    for (at, text) in [(0, "a "), (1000, "b "), (2000, "c ")] {
        push(&mut decoder, at, 1, line().roll_up(3).carriage_return().indent(15, 0).text(text));
    }
    push(&mut decoder, 3000, 1, line().indent(2, 0));
    push(&mut decoder, 4000, 1, line().roll_up(2));
    push(&mut decoder, 5000, 1, line().erase_displayed());
    let cues = drain(&mut decoder);
    let tops: Vec<_> = cues
        .iter()
        .map(|(_, cue)| match cue.layout.line {
            Line::Percent(top) => (cue.plain_text(), ((top.as_f64() - 10.0) / 80.0 * 15.0).round() as i64),
            line => panic!("{line:?}"),
        })
        .collect();
    // Three rows do not fit above row 3, so that is where the base goes.
    let expected = [("a ", 14), ("a \nb ", 13), ("a \nb \nc ", 12), ("a \nb \nc ", 0), ("b \nc ", 1)];
    assert_eq!(tops, expected.map(|(text, row)| (text.to_owned(), row)));
}

#[test]
fn after_a_reset_nothing_is_left() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 5000, 1, line().roll_up(2).carriage_return().text("old "));
    decoder.flush();
    decoder.reset();
    assert_eq!(decoder.open(), []);
    // Times may go back.
    push(&mut decoder, 1000, 1, line().roll_up(2).carriage_return().text("new "));
    decoder.finish(millis(2000));
    assert_eq!(told(&drain(&mut decoder)), [(Cc1, "new ".into(), 1000, 2000)]);
}

#[test]
fn channels_are_named_as_hls_names_them() {
    for name in ["CC1", "CC2", "CC3", "CC4", "SERVICE1", "SERVICE63"] {
        assert_eq!(name.parse::<CaptionChannel>().map(|channel| channel.to_string()), Ok(name.to_owned()));
    }
    for name in ["", "CC5", "cc1", "SERVICE", "SERVICE0", "SERVICE64", "SERVICE-1"] {
        assert_eq!(name.parse::<CaptionChannel>(), Err(()), "{name}");
    }
}

proptest! {
    /// Whatever comes, cues have a length, follow each other, and leave nothing behind.
    #[test]
    fn any_bytes_make_sound_cues(
        pictures in proptest::collection::vec((0..2000_i64, proptest::collection::vec(any::<u8>(), 0..40)), 0..60),
    ) {
        let mut decoder = CaptionDecoder::new(&Limits::default());
        for (pts, bytes) in &pictures {
            decoder.push(millis(*pts), bytes);
        }
        decoder.flush();
        let open = decoder.open().len();
        decoder.finish(millis(3000));
        let cues = drain(&mut decoder);
        prop_assert!(cues.len() >= open);
        prop_assert!(cues.iter().all(|(_, cue)| cue.start < cue.end && cue.end <= millis(3000)));
    }
}

#[test]
fn letters_behind_the_last_column_overwrite_it() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 0, 1, load().indent(15, 28).text("abcdefgh"));
    push(&mut decoder, 1000, 1, line().end_of_caption());
    push(&mut decoder, 2000, 1, line().erase_displayed());
    assert_eq!(told(&drain(&mut decoder)), [(Cc1, "abch".into(), 1000, 2000)]);
}
