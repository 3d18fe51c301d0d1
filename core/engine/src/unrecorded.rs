//! In place of the recorder where the feature `record` is off: there is never one.

use telecine_model::Timestamp;

use crate::config::Config;
use crate::input::{Input, RequestId};
use crate::keys::Findings;
use crate::media::MediaFact;
use crate::secrets::Secrets;

/// Of which there is none, so that nothing of it is compiled in.
#[derive(Debug)]
pub(crate) enum Recorder {}

impl Recorder {
    pub(crate) fn of(_: &Config) -> Option<Self> {
        None
    }

    pub(crate) fn input(
        &mut self,
        _: &Input,
        _: Option<Vec<MediaFact>>,
        _: Timestamp,
        _: impl Fn(RequestId) -> bool,
        _: &Secrets,
    ) {
        match *self {}
    }

    pub(crate) fn findings(&mut self, _: Findings) {
        match *self {}
    }

    pub(crate) fn keys(&mut self, _: Option<usize>) {
        match *self {}
    }

    pub(crate) fn check(&mut self, _: u64, _: u64, _: bool) {
        match *self {}
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        match *self {}
    }
}
