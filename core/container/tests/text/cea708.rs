//! CEA-708: services, windows and pens, written by a hand that knows CTA-708-E and not the decoder.

use proptest::prelude::*;
use telecine_container::text::cea::{CaptionChannel, CaptionDecoder};
use telecine_model::cue::{
    Border, BorderKind, Direction, Edge, EdgeKind, FontFamily, FontSize, Line, Node, Percent, Point, RegionHeight,
    RegionWidth, Rgba, Script, Scroll, TextAlign, WritingMode,
};
use telecine_model::{Cue, Limits, MediaTime};

use crate::dtvcc::{packet, triplets, Define, Service};

fn millis(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn push(decoder: &mut CaptionDecoder, at: i64, service: u8, codes: Service) {
    decoder.push(millis(at), &triplets(&packet(0, &[(service, codes.bytes())])));
}

fn drain(decoder: &mut CaptionDecoder) -> Vec<(CaptionChannel, Cue)> {
    decoder.flush();
    std::iter::from_fn(|| decoder.poll()).collect()
}

/// Number of the service, text, start and end in milliseconds.
fn told(cues: &[(CaptionChannel, Cue)]) -> Vec<(u8, String, i64, i64)> {
    cues.iter()
        .map(|(channel, cue)| {
            let CaptionChannel::Service(number) = channel else { panic!("{channel}") };
            (*number, cue.plain_text(), cue.start.as_millis(), cue.end.as_millis())
        })
        .collect()
}

fn service() -> Service {
    Service::default()
}

/// A window of two rows and 32 columns at the bottom.
fn bottom() -> Define {
    Define { rows: 2, columns: 32, vertical: 74, horizontal: 105, anchor: 7, visible: true, ..Define::default() }
}

/// The only cue of codes that are sent at 1 s; the title ends at 2 s.
fn only(codes: Service) -> Cue {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 1000, 1, codes);
    decoder.finish(millis(2000));
    let mut cues = drain(&mut decoder);
    assert_eq!(cues.len(), 1, "{cues:?}");
    cues.remove(0).1
}

#[test]
fn a_hidden_window_is_seen_from_when_it_is_shown_until_it_is_hidden() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 0, 1, service().define(0, Define { visible: false, ..bottom() }).text("Hello"));
    push(&mut decoder, 1000, 1, service().display(0b1));
    push(&mut decoder, 2000, 1, service().hide(0b1));
    push(&mut decoder, 3000, 1, service().toggle(0b1));
    push(&mut decoder, 4000, 1, service().delete(0b1));
    push(&mut decoder, 5000, 1, service().display(0b1).text("nowhere"));
    decoder.finish(millis(6000));
    assert_eq!(told(&drain(&mut decoder)), [(1, "Hello".into(), 1000, 2000), (1, "Hello".into(), 3000, 4000)]);
}

#[test]
fn a_window_is_a_region_of_the_picture() {
    let cue = only(
        service()
            .define(3, Define { priority: 2, ..bottom() })
            .window([0b10_110000, 0b11_000011, 0x40, 0])
            .text("ab")
            .carriage_return()
            .text("cd"),
    );
    let region = cue.region.as_ref().expect("a window");
    // Bottom centre of the region, at 74 of 75 rows and 105 of 210 columns of the safe area.
    assert_eq!(region.anchor, Point::new(Percent::HALF, Percent::FULL));
    assert_eq!(region.position.x, Percent::HALF);
    assert!((region.position.y.as_f64() - (10.0 + 80.0 * 74.0 / 75.0)).abs() < 0.001);
    assert_eq!((region.width, region.height), (RegionWidth::Columns(32), RegionHeight::Lines(2)));
    assert_eq!(region.background, Some(Rgba { r: 255, g: 0, b: 0, a: 128 }));
    assert_eq!(region.border, Some(Border { kind: BorderKind::Uniform, color: Rgba::BLUE }));
    assert_eq!((region.z_index, region.id.as_str()), (5, "window3"));
    assert_eq!(cue.text, [Node::text("ab\ncd")]);
    assert_eq!((cue.layout.line, cue.layout.align, cue.layout.wrap), (Line::Number(0), TextAlign::Left, true));
    // In percent of the safe area.
    let cue = only(
        service().define(0, Define { relative: true, vertical: 50, horizontal: 25, anchor: 0, ..bottom() }).text("x"),
    );
    let region = cue.region.as_ref().expect("a window");
    assert_eq!(region.position, Point::new(Percent::whole(30), Percent::HALF));
    assert_eq!(region.anchor, Point::default());
}

#[test]
fn pens_have_colours_edges_fonts_sizes_and_offsets() {
    let cue = only(
        service()
            .define(0, bottom())
            .text("a")
            .pen([0x02 | 2 << 2, 0x80 | 0x40 | 3 << 3 | 6])
            .pen_colour([0b01_110000, 0b10_001100, 0b00_000011])
            .text("b"),
    );
    let runs = cue.runs();
    let (plain, fancy) = (&runs[0].style, &runs[1].style);
    assert_eq!((plain.color, plain.background, plain.edge), (Some(Rgba::WHITE), Some(Rgba::BLACK), None));
    assert_eq!((plain.font_family.clone(), plain.italic), (None, Some(false)));
    assert_eq!(fancy.color, Some(Rgba::RED));
    assert_eq!((fancy.flash, fancy.italic, fancy.underline), (Some(true), Some(true), Some(true)));
    assert_eq!(fancy.background, Some(Rgba { r: 0, g: 255, b: 0, a: 128 }));
    let edge = Edge { kind: EdgeKind::Uniform, color: Some(Rgba::BLUE), thickness: None };
    assert_eq!((fancy.edge, fancy.script), (Some(edge), Some(Script::Super)));
    assert_eq!(fancy.font_family, Some(FontFamily::Cursive));
    assert_eq!(fancy.font_size, Some(FontSize::OfVideo(Percent::from_units(66_667))));
}

#[test]
fn predefined_styles_are_those_of_the_standard() {
    let styled =
        |window, pen| only(service().define(0, Define { window_style: window, pen_style: pen, ..bottom() }).text("x"));
    let windows: Vec<_> = (1..=7)
        .map(|number| {
            let cue = styled(number, 1);
            let region = cue.region.as_ref().expect("a window").clone();
            (region.background.is_some(), cue.layout.align, cue.layout.wrap, region.scroll, cue.layout.writing)
        })
        .collect();
    let (left, centre, flat) = (TextAlign::Left, TextAlign::Center, WritingMode::Horizontal);
    let expected = [
        (true, left, false, Scroll::Up, flat),
        (false, left, false, Scroll::Up, flat),
        (true, centre, false, Scroll::Up, flat),
        (true, left, true, Scroll::Up, flat),
        (false, left, true, Scroll::Up, flat),
        (true, centre, true, Scroll::Up, flat),
        (true, left, false, Scroll::Left, WritingMode::VerticalRl),
    ];
    assert_eq!(windows, expected);
    let pens: Vec<_> = (1..=7)
        .map(|number| {
            let style = styled(1, number).style;
            (style.font_family, style.edge.is_some(), style.background.map(|colour| colour.a))
        })
        .collect();
    let expected = [
        (None, false, Some(255)),
        (Some(FontFamily::MonospaceSerif), false, Some(255)),
        (Some(FontFamily::ProportionalSerif), false, Some(255)),
        (Some(FontFamily::MonospaceSansSerif), false, Some(255)),
        (Some(FontFamily::ProportionalSansSerif), false, Some(255)),
        (Some(FontFamily::MonospaceSansSerif), true, Some(0)),
        (Some(FontFamily::ProportionalSansSerif), true, Some(0)),
    ];
    assert_eq!(pens, expected);
}

#[test]
fn rows_roll_up_when_the_last_one_is_left() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 1000, 1, service().define(0, bottom()).text("one"));
    push(&mut decoder, 2000, 1, service().carriage_return().text("two"));
    push(&mut decoder, 3000, 1, service().carriage_return().text("three"));
    push(&mut decoder, 4000, 1, service().clear(0b1));
    let cues = drain(&mut decoder);
    // The second row is added; only the third one moves something.
    assert_eq!(told(&cues), [(1, "one\ntwo".into(), 1000, 3000), (1, "two\nthree".into(), 3000, 4000)]);
    assert_eq!(cues[0].1.text, [Node::text("one\n"), Node::Time(millis(2000)), Node::text("two")]);
}

#[test]
fn the_pen_is_moved_and_text_is_erased() {
    let window = || service().define(0, Define { rows: 3, ..bottom() });
    let cue = only(window().locate(1, 4).text("abc").backspace().text("d"));
    assert_eq!((cue.layout.line, cue.layout.position), (Line::Number(1), Some(Percent::from_units(125_000))));
    assert_eq!(cue.plain_text(), "abd");
    assert_eq!(only(window().text("abc").horizontal_return().text("x")).plain_text(), "x");
    assert_eq!(only(window().text("abc").form_feed().text("y")).plain_text(), "y");
    assert_eq!(
        only(window().text("a").locate(0, 3).text("b").locate(2, 1).text("c")).text,
        [Node::text("a"), Node::Gap(2), Node::text("b\n\n"), Node::Gap(1), Node::text("c"),]
    );
}

#[test]
fn every_set_of_characters_is_read() {
    let all = service().define(0, Define { columns: 60, ..bottom() }).text("A~\u{7f}").raw(&[0xa1, 0xe9, 0xff]);
    let all = all.raw(&[0x10, 0x25, 0x10, 0x39, 0x10, 0x7a, 0x10, 0x20, 0x10, 0x22, 0x10, 0xa0, 0x10, 0xa1]);
    // A character of 16 bits; codes of one and two parameters, of C2, and of C3 with its length, that mean nothing.
    let all = all.raw(&[0x18, 0xac, 0x00, 0x11, 0x41, 0x1f, 0x41, 0x41]);
    let all = all.raw(&[0x10, 0x08, 0x41, 0x10, 0x1f, 1, 2, 3, 0x10, 0x80, 1, 2, 3, 4, 0x10, 0x90, 0x02, 0x41, 0x41]);
    assert_eq!(only(all.text("!")).plain_text(), "A~♪¡éÿ…™│ _㏄_가!");
}

#[test]
fn services_have_windows_of_their_own_up_to_the_sixty_third() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let text = |text: &str| service().define(0, bottom()).text(text).bytes();
    let blocks = [(1, text("one")), (2, text("two")), (6, text("six")), (7, text("seven")), (63, text("last"))];
    decoder.push(millis(1000), &triplets(&packet(0, &blocks)));
    decoder.finish(millis(2000));
    let texts = [(1, "one"), (2, "two"), (6, "six"), (7, "seven"), (63, "last")];
    assert_eq!(told(&drain(&mut decoder)), texts.map(|(number, text)| (number, text.to_owned(), 1000, 2000)));
}

#[test]
fn a_packet_may_be_spread_over_pictures_and_a_command_over_packets() {
    let codes = service().define(0, bottom()).text("abc").bytes();
    for cut in 1..codes.len() {
        let mut decoder = CaptionDecoder::new(&Limits::default());
        let (first, second) = codes.split_at(cut);
        let mut at = 1000;
        for (sequence, part) in [first, second].into_iter().enumerate() {
            // One triplet a picture.
            for triplet in triplets(&packet(sequence as u8, &[(1, part.to_vec())])).chunks(3) {
                decoder.push(millis(at), triplet);
                at += 1;
            }
        }
        decoder.finish(millis(2000));
        let cues = drain(&mut decoder);
        assert_eq!(cues.iter().map(|(_, cue)| cue.plain_text()).collect::<Vec<_>>(), ["abc"], "cut at {cut}");
    }
}

#[test]
fn broken_packets_lose_their_own_text_alone() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let whole = |text: &str| triplets(&packet(0, &[(1, service().define(0, bottom()).text(text).bytes())]));
    // Data without a start; a packet that is cut off by the next; a block that is longer than its packet.
    decoder.push(millis(0), &[0xfe, 0x41, 0x42]);
    decoder.push(millis(1), whole("lost").get(..6).expect("two triplets"));
    decoder.push(millis(1000), &whole("kept"));
    decoder.push(millis(1500), &[0xff, 0x02, 0x3f, 0xfe, 0x41, 0x41]);
    decoder.finish(millis(2000));
    assert_eq!(told(&drain(&mut decoder)), [(1, "kept".into(), 1000, 2000)]);
}

#[test]
fn a_delay_holds_back_what_follows() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 1000, 1, service().define(0, bottom()).text("a").delay(5).text("b"));
    // Time passes by pictures of whatever kind.
    decoder.push(millis(1700), &[0xfc, 0x80, 0x80]);
    push(&mut decoder, 2000, 1, service().delay(50).text("c"));
    push(&mut decoder, 2100, 1, service().cancel_delay());
    push(&mut decoder, 2200, 1, service().delay(255).text("d"));
    push(&mut decoder, 2300, 1, service().reset());
    decoder.finish(millis(3000));
    let cues = drain(&mut decoder);
    // "d" was written when its window was deleted: nobody saw it.
    assert_eq!(told(&cues), [(1, "abc".into(), 1000, 2300)]);
    let at = |time| Node::Time(millis(time));
    assert_eq!(cues[0].1.text, [Node::text("a"), at(1500), Node::text("b"), at(2100), Node::text("c")]);
}

#[test]
fn windows_are_redefined_without_losing_their_text() {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    push(&mut decoder, 1000, 1, service().define(0, bottom()).text("text"));
    // The same definition changes nothing; another place ends the cue.
    push(&mut decoder, 2000, 1, service().define(0, bottom()));
    push(&mut decoder, 3000, 1, service().define(0, Define { vertical: 0, anchor: 1, ..bottom() }));
    decoder.finish(millis(4000));
    let cues = drain(&mut decoder);
    assert_eq!(told(&cues), [(1, "text".into(), 1000, 3000), (1, "text".into(), 3000, 4000)]);
    assert_ne!(cues[0].1.region, cues[1].1.region);
}

#[test]
fn text_beyond_the_last_column_wraps_widens_the_window_or_is_lost() {
    let narrow = Define { columns: 3, ..bottom() };
    // Without a lock a window grows.
    let cue = only(service().define(0, narrow.clone()).text("abcdef"));
    assert_eq!(cue.plain_text(), "abcdef");
    assert_eq!(cue.region.as_ref().map(|region| region.width), Some(RegionWidth::Columns(6)));
    let locked = Define { column_lock: true, ..narrow };
    assert_eq!(only(service().define(0, locked.clone()).text("abcdef")).plain_text(), "abc");
    let wrapped = service().define(0, Define { window_style: 4, ..locked }).text("abcdef");
    assert_eq!(only(wrapped).plain_text(), "abc\ndef");
}

#[test]
fn text_is_written_in_all_four_directions() {
    let window = |print: u8, scroll: u8| {
        let small = Define { rows: 4, columns: 4, column_lock: true, ..bottom() };
        service().define(0, small).window([0, 0, print << 4 | scroll << 2, 0])
    };
    let cue = only(window(1, 3).text("\u{41}bc"));
    assert_eq!((cue.plain_text().as_str(), cue.layout.direction), ("Abc", Direction::Rtl));
    for (print, scroll, writing) in
        [(2, 1, WritingMode::VerticalRl), (2, 0, WritingMode::VerticalLr), (3, 1, WritingMode::VerticalRl)]
    {
        let cue = only(window(print, scroll).text("abc").carriage_return().text("de"));
        assert_eq!((cue.plain_text().as_str(), cue.layout.writing), ("abc\nde", writing), "{print} {scroll}");
    }
}

#[test]
fn no_more_cues_wait_than_the_limits_allow() {
    let mut limits = Limits::default();
    limits.cues = 2;
    let mut decoder = CaptionDecoder::new(&limits);
    for at in 0..5 {
        push(&mut decoder, 1000 * at, 1, service().define(0, bottom()).carriage_return().carriage_return().text("x"));
    }
    decoder.flush();
    assert_eq!((drain(&mut decoder).len(), decoder.lost()), (2, 2));
    limits = Limits::default();
    limits.cue_nodes = 1;
    let mut decoder = CaptionDecoder::new(&limits);
    push(&mut decoder, 0, 1, service().define(0, bottom()).text("a").define(1, bottom()).text("b"));
    decoder.flush();
    assert_eq!(decoder.open().len(), 1);
}

proptest! {
    #[test]
    fn any_commands_make_sound_cues(
        packets in proptest::collection::vec((0..2000_i64, proptest::collection::vec(any::<u8>(), 0..28)), 0..40),
    ) {
        let mut decoder = CaptionDecoder::new(&Limits::default());
        for (at, bytes) in &packets {
            decoder.push(millis(*at), &triplets(&packet(0, &[(1, bytes.clone())])));
        }
        decoder.finish(millis(60_000));
        for (_, cue) in drain(&mut decoder) {
            prop_assert!(cue.start < cue.end && cue.end <= millis(60_000));
        }
    }
}
