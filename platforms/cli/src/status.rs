//! A line on standard error for who waits.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Below this nobody needs to be told.
const PATIENCE: Duration = Duration::from_millis(700);
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// A line that is drawn again and again, if a person watches, and gone in the end. Anywhere else nothing is written.
pub(crate) struct StatusLine {
    started: Instant,
    drawn: Option<Instant>,
    visible: bool,
}

impl StatusLine {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), drawn: None, visible: std::io::stderr().is_terminal() }
    }

    /// How long is waited already.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What the line is to say now, if it is time to say something.
    pub(crate) fn tell(&mut self, text: impl FnOnce() -> String) {
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= DRAW_EVERY);
        if self.visible && due && self.elapsed() >= PATIENCE {
            self.drawn = Some(Instant::now());
            draw(&text());
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            draw("");
        }
    }
}

fn draw(text: &str) {
    // Whoever watches loses a line of progress, not the result.
    let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
}

/// Works, and meanwhile draws what the work tells of itself and for how long it has been at it, though it may be at one thing for
/// long.
pub(crate) fn while_it_takes<T>(work: impl FnOnce(&(dyn Fn(String) + Sync)) -> T) -> T {
    std::thread::scope(|scope| {
        let (tell, told) = channel();
        scope.spawn(move || {
            let (mut status, mut last) = (StatusLine::new(), String::new());
            loop {
                match told.recv_timeout(DRAW_EVERY) {
                    Ok(text) => last = text,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                let seconds = status.elapsed().as_secs();
                status.tell(|| format!("{last}, {seconds} s"));
            }
        });
        // Who listens is gone only when this is.
        work(&move |text: String| {
            let _ = tell.send(text);
        })
    })
}
