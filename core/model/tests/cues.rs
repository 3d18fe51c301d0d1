//! The cue model: trees become runs, stores show each cue once.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use telecine_model::cue::{
    CueChange, CueKey, FontSize, Line, Node, Percent, Region, Rgba, Ruby, Span, SpanKind, TextStyle,
};
use telecine_model::{Cue, CueStore, Limits, MediaTime};

fn millis(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn cue(text: &str, from: i64, to: i64) -> Cue {
    Cue { text: vec![Node::text(text)], ..Cue::new(millis(from), millis(to)) }
}

/// Text, start and end of everything in the store.
fn held(store: &CueStore) -> Vec<(String, i64, i64)> {
    store
        .iter()
        .map(|(_, cue)| {
            (cue.plain_text(), cue.start.as_millis(), if cue.is_open() { i64::MAX } else { cue.end.as_millis() })
        })
        .collect()
}

fn store_of(cues: &[Cue]) -> (CueStore, Vec<CueChange>) {
    let mut store = CueStore::new(&Limits::default());
    let mut changes = Vec::new();
    for cue in cues {
        store.insert(cue.clone(), &mut changes);
    }
    (store, changes)
}

#[test]
fn a_cue_that_two_segments_repeat_is_reported_once() {
    let (store, changes) = store_of(&[cue("a", 3000, 7000), cue("b", 5000, 6000), cue("a", 3000, 7000)]);
    assert_eq!(held(&store), [("a".into(), 3000, 7000), ("b".into(), 5000, 6000)]);
    assert_eq!(changes.len(), 2);
}

#[test]
fn pieces_of_a_cue_become_one_whatever_their_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let pieces = [cue("a", 1000, 4000), cue("a", 4000, 8000), cue("a", 8000, 9500)];
        let (store, changes) = store_of(&order.map(|at: usize| pieces[at].clone()));
        assert_eq!(held(&store), [("a".into(), 1000, 9500)], "{order:?}");
        // What a host that follows the changes has.
        assert_eq!(follow(&changes).len(), 1);
    }
}

/// What a host holds that has applied the changes; panics if they make no sense.
fn follow(changes: &[CueChange]) -> BTreeMap<CueKey, Arc<Cue>> {
    let mut held = BTreeMap::new();
    for change in changes {
        match change {
            CueChange::Added(key, cue) => assert!(held.insert(*key, cue.clone()).is_none(), "added twice"),
            CueChange::Changed(key, cue) => assert!(held.insert(*key, cue.clone()).is_some(), "changed, not there"),
            CueChange::Removed(key) => assert!(held.remove(key).is_some(), "removed, not there"),
        }
    }
    held
}

#[test]
fn rounding_at_a_boundary_does_not_split_a_cue_but_a_pause_does() {
    let (store, _) = store_of(&[cue("a", 1000, 3999), cue("a", 4001, 6000), cue("a", 6100, 7000)]);
    assert_eq!(held(&store), [("a".into(), 1000, 6000), ("a".into(), 6100, 7000)]);
}

#[test]
fn cues_that_differ_in_anything_but_time_stay_apart() {
    let plain = cue("a", 0, 1000);
    let mut named = plain.clone();
    named.id = "1".into();
    let mut placed = plain.clone();
    placed.layout.line = Line::Number(0);
    let mut forced = plain.clone();
    forced.forced = true;
    let mut coloured = plain.clone();
    coloured.style.color = Some(Rgba::RED);
    let mut inside = plain.clone();
    inside.region = Some(Arc::new(Region::new("r")));
    let all = [plain, named, placed, forced, coloured, inside];
    assert_eq!(store_of(&all).0.len(), all.len());
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            assert_ne!(one.digest(), other.digest());
        }
    }
}

#[test]
fn the_name_of_a_region_is_not_what_a_cue_says() {
    let inside = |name: &str, from, to| Cue { region: Some(Arc::new(Region::new(name))), ..cue("a", from, to) };
    let (store, _) = store_of(&[inside("region_1", 0, 2000), inside("region_2", 2000, 4000)]);
    assert_eq!(held(&store), [("a".into(), 0, 4000)]);
    let mut wide = Region::new("region_2");
    wide.z_index = 1;
    let (store, _) =
        store_of(&[inside("region_1", 0, 2000), Cue { region: Some(Arc::new(wide)), ..cue("a", 0, 2000) }]);
    assert_eq!(store.len(), 2);
}

#[test]
fn a_cue_without_length_is_never_shown() {
    let (store, changes) = store_of(&[cue("a", 1000, 1000), cue("b", 2000, 1000)]);
    assert!(store.is_empty() && changes.is_empty());
}

#[test]
fn what_lies_inside_a_removed_span_goes_and_what_reaches_beyond_stays() {
    let (mut store, _) = store_of(&[cue("a", 0, 2000), cue("b", 1000, 5000), cue("c", 3000, 4000)]);
    let mut changes = Vec::new();
    store.remove(millis(1000)..millis(4000), &mut changes);
    assert_eq!(held(&store), [("a".into(), 0, 2000), ("b".into(), 1000, 5000)]);
    assert_eq!(changes.len(), 1);
    // After a seek back it is read again.
    store.insert(cue("c", 3000, 4000), &mut changes);
    store.insert(cue("b", 1000, 5000), &mut changes);
    assert_eq!(store.len(), 3);
    store.remove(millis(5)..millis(1), &mut changes);
    assert_eq!(store.len(), 3);
    store.clear(&mut changes);
    assert!(store.is_empty());
}

#[test]
fn the_earliest_cue_makes_room_when_the_store_is_full() {
    let mut limits = Limits::default();
    limits.cues = 2;
    let mut store = CueStore::new(&limits);
    let mut changes = Vec::new();
    for (text, at) in [("a", 1), ("b", 0), ("c", 2)] {
        store.insert(cue(text, at * 1000, at * 1000 + 500), &mut changes);
    }
    assert_eq!(held(&store), [("a".into(), 1000, 1500), ("c".into(), 2000, 2500)]);
    assert_eq!(follow(&changes).len(), 2);
}

#[test]
fn active_cues_come_in_the_order_of_painting() {
    let (store, _) = store_of(&[cue("short", 1000, 2000), cue("long", 1000, 9000), cue("first", 500, 3000)]);
    let active = |at| store.active(millis(at)).iter().map(|(_, cue)| cue.plain_text()).collect::<Vec<_>>();
    assert_eq!(active(1500), ["first", "long", "short"]);
    assert_eq!(active(2000), ["first", "long"]);
    assert_eq!(active(8999), ["long"]);
    assert_eq!(active(9000), Vec::<String>::new());
    let changes = [0, 500, 1000, 2000, 3000, 9000].map(|at| store.next_change(millis(at)).map(MediaTime::as_millis));
    assert_eq!(changes, [Some(500), Some(1000), Some(2000), Some(3000), Some(9000), None]);
}

#[test]
fn an_open_cue_gets_its_end_or_makes_way_for_what_it_became() {
    let open = |text, from| Cue { end: Cue::OPEN_END, ..cue(text, from, 0) };
    let mut store = CueStore::new(&Limits::default());
    let mut changes = Vec::new();
    store.set_open([open("pop", 1000), open("ro", 1500)], &mut changes);
    assert_eq!(held(&store), [("pop".into(), 1000, i64::MAX), ("ro".into(), 1500, i64::MAX)]);
    assert_eq!(store.active(millis(99_000)).len(), 2);
    // The next segment ends the one and continues the other.
    store.insert(cue("pop", 1000, 5000), &mut changes);
    store.set_open([open("roll", 1500)], &mut changes);
    assert_eq!(held(&store), [("pop".into(), 1000, 5000), ("roll".into(), 1500, i64::MAX)]);
    store.insert(cue("roll up", 1500, 7000), &mut changes);
    store.set_open([], &mut changes);
    assert_eq!(held(&store), [("pop".into(), 1000, 5000), ("roll up".into(), 1500, 7000)]);
    assert_eq!(follow(&changes).len(), 2);
    // Decoded again after a seek: the end that is known stays.
    store.set_open([open("pop", 1000)], &mut changes);
    assert_eq!(held(&store)[0], ("pop".into(), 1000, 5000));
}

#[test]
fn a_tree_becomes_runs_that_say_everything_around_them() {
    let mut text = cue("", 0, 1000);
    let loud = TextStyle { font_size: Some(FontSize::Relative(Percent::whole(150))), ..TextStyle::default() };
    let mut voice = Span::new(
        SpanKind::Voice("Ann".into()),
        vec![
            Node::text("Hi "),
            Node::span(Span::new(SpanKind::Bold, vec![Node::text("you"), Node::Time(millis(300)), Node::text("!")])),
        ],
    );
    voice.style = loud;
    voice.classes = vec!["loud".into()];
    text.style.font_size = Some(FontSize::OfVideo(Percent::whole(4)));
    text.style.opacity = Some(128);
    let ruby = Span::new(
        SpanKind::Ruby,
        vec![Node::text("漢"), Node::span(Span::new(SpanKind::RubyText, vec![Node::text("kan")]))],
    );
    text.text =
        vec![Node::Gap(4), Node::span(voice), Node::text("\n"), Node::span(ruby), Node::Gap(2), Node::text("x")];
    assert_eq!(text.plain_text(), "Hi you!\n漢 x");
    assert_eq!(text.nodes(), 14);
    let runs = text.runs();
    let texts: Vec<_> = runs.iter().map(|run| (run.text, run.gap)).collect();
    assert_eq!(texts, [("", 4), ("Hi ", 0), ("you", 0), ("!", 0), ("\n", 0), ("漢", 0), ("kan", 0), ("", 2), ("x", 0)]);
    assert_eq!(runs[1].style.font_size, Some(FontSize::OfVideo(Percent::whole(6))));
    assert_eq!((runs[2].style.bold, runs[2].voice, &runs[2].classes[..]), (Some(true), Some("Ann"), &["loud"][..]));
    assert_eq!((runs[2].appears, runs[3].appears), (None, Some(millis(300))));
    assert_eq!((runs[5].ruby, runs[6].ruby, runs[8].ruby), (Some(Ruby::Base), Some(Ruby::Text), None));
    text.shift(millis(1000));
    assert_eq!(text.runs()[3].appears, Some(millis(1300)));
    assert_eq!((text.start, text.end), (millis(1000), millis(2000)));
}

#[test]
fn shifting_leaves_an_open_end_open() {
    let mut open = Cue::new(millis(5), Cue::OPEN_END);
    open.shift(millis(-5));
    assert_eq!((open.start, open.is_open()), (MediaTime::ZERO, true));
}

proptest! {
    /// Whatever is inserted and removed, a host that follows the changes has what the store has, and
    /// at every time the store shows each text once, if any of its pieces is due then.
    #[test]
    fn the_store_shows_the_union_of_what_it_was_given(
        steps in proptest::collection::vec((0..3_usize, 0..60_i64, 1..20_i64), 1..60),
    ) {
        let texts = ["a", "b", "c"];
        let mut store = CueStore::new(&Limits::default());
        let mut changes = Vec::new();
        let mut painted = std::collections::BTreeSet::new();
        for (text, from, length) in steps {
            store.insert(cue(texts[text], from * 100, (from + length) * 100), &mut changes);
            painted.extend((from..from + length).map(|tenth| (text, tenth)));
        }
        for tenth in 0..100 {
            let shown: Vec<_> = store.active(millis(tenth * 100 + 50)).iter().map(|(_, cue)| cue.plain_text()).collect();
            for (at, text) in texts.iter().enumerate() {
                let times = shown.iter().filter(|shown| shown == text).count();
                prop_assert_eq!(times, usize::from(painted.contains(&(at, tenth))));
            }
        }
        let host = follow(&changes);
        prop_assert_eq!(host.len(), store.len());
        for (key, cue) in store.iter() {
            prop_assert_eq!(&host[&key], cue);
        }
    }
}
