//! The sessions of `telecine-decisions` in WebAssembly, for `run.mjs`. Plain exports: text comes in through a buffer, and
//! the clock is the host's.

use std::cell::RefCell;

use telecine_abr::RULES;
use telecine_decisions::{Cost, Figures, Fingerprint, Mode};
use telecine_simulator::faithful::ROSTER;
use telecine_simulator::read::{
    low_latency_networks, low_latency_title, sabre_movie, sabre_network, PROFILE_LATENCY_MS,
};
use telecine_simulator::{Link, Movie};

mod host {
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        /// Microseconds.
        pub(super) safe fn now() -> f64;
    }
}

#[derive(Default)]
struct Stage {
    text: Vec<u8>,
    movie: Option<Movie>,
    link: Option<Link>,
    profiles: Vec<Link>,
    cost: Cost,
    figures: Figures,
}

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::default();
}

fn on_stage<T>(act: impl FnOnce(&mut Stage) -> T) -> T {
    STAGE.with(|stage| act(&mut stage.borrow_mut()))
}

/// In the order of the names that `run.mjs` has.
fn mode(number: u32) -> Mode {
    match number {
        0 => Mode::OnDemand,
        1 => Mode::Live,
        _ => Mode::LowLatency,
    }
}

/// Room for a text of so many bytes, valid until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn text(length: usize) -> *mut u8 {
    on_stage(|stage| {
        stage.text.resize(length, 0);
        stage.text.as_mut_ptr()
    })
}

/// The text is the movie; whether it is one.
#[unsafe(no_mangle)]
pub extern "C" fn movie() -> bool {
    on_stage(|stage| {
        stage.movie = std::str::from_utf8(&stage.text).ok().and_then(|text| sabre_movie(text).ok());
        stage.movie.is_some()
    })
}

/// The text is the network; whether it is one.
#[unsafe(no_mangle)]
pub extern "C" fn network() -> bool {
    on_stage(|stage| {
        stage.link = std::str::from_utf8(&stage.text).ok().and_then(|text| sabre_network(text).ok());
        stage.link.is_some()
    })
}

/// The text is a file of profiles; how many it has.
#[unsafe(no_mangle)]
pub extern "C" fn profiles() -> usize {
    on_stage(|stage| {
        let text = std::str::from_utf8(&stage.text).unwrap_or_default();
        let profiles = low_latency_networks(text, PROFILE_LATENCY_MS).unwrap_or_default();
        stage.profiles = profiles.into_iter().map(|(_, link)| link).collect();
        stage.profiles.len()
    })
}

/// One of them is the network, and what is played over such the movie; whether there is one.
#[unsafe(no_mangle)]
pub extern "C" fn profile(index: usize) -> bool {
    on_stage(|stage| {
        stage.movie = low_latency_title().ok();
        stage.link = stage.profiles.get(index).cloned();
        stage.link.is_some() && stage.movie.is_some()
    })
}

/// Writes the name of a rule to the text: of the player's, or of the published. Its length, or zero if there are no more.
#[unsafe(no_mangle)]
pub extern "C" fn name(player: bool, rule: usize) -> usize {
    let name = match player {
        true => RULES.get(rule).copied(),
        false => ROSTER.get(rule).map(|rule| rule.name),
    };
    on_stage(|stage| {
        stage.text.clear();
        stage.text.extend_from_slice(name.unwrap_or_default().as_bytes());
        stage.text.len()
    })
}

/// The fingerprint of nothing.
#[unsafe(no_mangle)]
pub extern "C" fn nothing() -> u64 {
    Fingerprint::default().0
}

/// The fingerprint of one, and then another.
#[unsafe(no_mangle)]
pub extern "C" fn and(one: u64, next: u64) -> u64 {
    Fingerprint(one).and(Fingerprint(next)).0
}

/// The fingerprint of a session; zero if it failed.
#[unsafe(no_mangle)]
pub extern "C" fn session(player: bool, rule: usize, live: u32) -> u64 {
    on_stage(|stage| {
        let (Some(movie), Some(link)) = (&stage.movie, &stage.link) else { return 0 };
        match player {
            true => {
                let played = |rule: &&str| telecine_decisions::played(rule, movie, link, mode(live)).ok();
                RULES.get(rule).and_then(played).map_or(0, |print| print.0)
            }
            false => {
                ROSTER.get(rule).map_or(0, |rule| telecine_decisions::faithful(rule, movie, link, mode(live)).0)
            }
        }
    })
}

/// Measures a session of one of the player's rules, and adds it to what was measured.
#[unsafe(no_mangle)]
pub extern "C" fn measure(rule: usize, live: u32) -> bool {
    on_stage(|stage| {
        let (Some(movie), Some(link)) = (&stage.movie, &stage.link) else { return false };
        let rule = RULES.get(rule).copied().unwrap_or_default();
        let cost = telecine_decisions::cost(rule, movie, link, mode(live), || host::now());
        let measured = cost.is_some();
        cost.into_iter().for_each(|cost| stage.cost.add(cost));
        measured
    })
}

/// Figures of what was measured, in the order of the table; afterwards nothing is.
#[unsafe(no_mangle)]
pub extern "C" fn figures() {
    on_stage(|stage| {
        stage.figures = stage.cost.figures();
        stage.cost = Cost::default();
    });
}

/// One of the figures.
#[unsafe(no_mangle)]
pub extern "C" fn figure(column: u32) -> f64 {
    on_stage(|stage| {
        let of = &stage.figures;
        let columns = [of.choices, of.calls, of.first, of.choice, of.choice_p99, of.call, of.most, of.session];
        columns.get(column as usize).copied().unwrap_or_default()
    })
}
