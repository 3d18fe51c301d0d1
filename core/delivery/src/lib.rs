//! Retries, budgets and the classification of failed requests.

#![forbid(unsafe_code)]

mod class;

pub use class::RequestClass;
