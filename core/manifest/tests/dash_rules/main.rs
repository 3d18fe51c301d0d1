//! The DASH rules of the project's checklist, one module for each part of it: every test carries
//! the number of the rule that it proves. Expected times and URLs are worked out by hand.

// What a test cannot do without fails it, also in the helpers that tests share.
#![allow(clippy::expect_used, clippy::panic)]

mod base_urls;
mod causes;
mod events;
mod hostile;
mod lists;
mod live;
mod packagers;
mod patches;
mod periods;
mod protection;
mod refreshes;
mod services;
mod support;
mod templates;
mod timeline;
mod tracks;
mod xlink;
