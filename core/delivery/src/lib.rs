//! Retries, budgets and the classification of failed requests.
//!
//! A request that fails is first understood ([`classify_status`] tells an archived object from a
//! forbidden one, a throttled server from a broken one) and then decided on by a [`RetryPolicy`]:
//! the same again after a pause, something else, or nothing more. The policy has no clock and no
//! random source; the time and a random draw come with the [`Failure`].
//!
//! ```
//! use telecine_delivery::{DefaultRetry, Failure, RequestClass, RetryDecision, RetryPolicy};
//! use telecine_model::{ErrorCode, Timestamp};
//!
//! let mut policy = DefaultRetry::default();
//! let broken = Failure::new(RequestClass::Segment, ErrorCode::ConnectionLost, Timestamp::ZERO);
//! assert!(matches!(policy.decide(&broken).decision, RetryDecision::Retry { .. }));
//! // A missing object is not there the second time either: look elsewhere.
//! let missing = Failure { status: Some(404), ..Failure::new(RequestClass::Segment, ErrorCode::HttpStatus, Timestamp::ZERO) };
//! assert_eq!(policy.decide(&missing).decision, RetryDecision::Elsewhere);
//! ```

#![forbid(unsafe_code)]

mod class;
mod cmsd;
mod retry;
mod retry_after;
mod status;

pub use class::RequestClass;
pub use cmsd::ServerHints;
pub use retry::{DefaultRetry, Failure, Otherwise, RetryDecision, RetryPolicy, Verdict};
pub use retry_after::parse_retry_after;
pub use status::classify_status;
