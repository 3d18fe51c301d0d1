//! The DASH rules of the project's checklist, one module for each part of it: every test carries
//! the number of the rule that it proves. Expected times and URLs are worked out by hand.

mod base_urls;
mod events;
mod lists;
mod live;
mod periods;
mod services;
mod support;
mod templates;
mod timeline;
