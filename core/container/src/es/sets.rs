//! Parameter sets as they arrive in a stream, and the decoder configuration that they make.

use bytes::Bytes;

use super::video::VideoCodec;
use super::{h264, h265};
use crate::iso::VideoEntry;
use telecine_model::SortedMap;

/// What is kept together; real streams need a few hundred bytes.
const LIMIT: usize = 32 << 10;

/// Every parameter set that holds at present.
#[derive(Debug, Default)]
pub(crate) struct ParameterSets {
    /// By NAL unit type and id.
    raw: SortedMap<(u8, u32), Bytes>,
    bytes: usize,
    avc: SortedMap<u32, h264::Sps>,
    hevc: SortedMap<u32, h265::Sps>,
    /// The sequence parameter set of each picture parameter set.
    refers: SortedMap<u32, u32>,
    /// Something is new since a configuration was made last.
    pub(crate) changed: bool,
    /// Sets that could not be read.
    pub(crate) unreadable: u32,
}

impl ParameterSets {
    /// Adds a set; false if it was known, or is of no use.
    pub(crate) fn add(&mut self, codec: VideoCodec, nal: &Bytes) -> bool {
        let Some(key) = self.key(codec, nal) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return false;
        };
        let before = self.raw.get(&key);
        if before == Some(nal) {
            return false;
        }
        let bytes = self.bytes + nal.len() - before.map_or(0, Bytes::len);
        if bytes > LIMIT || !self.parse(codec, key, nal) {
            self.unreadable = self.unreadable.saturating_add(1);
            return false;
        }
        self.bytes = bytes;
        self.raw.insert(key, nal.clone());
        self.changed = true;
        true
    }

    fn key(&self, codec: VideoCodec, nal: &[u8]) -> Option<(u8, u32)> {
        match codec {
            VideoCodec::H264 => match h264::nal_type(nal) {
                h264::SPS => Some((h264::SPS, h264::sps_id(nal)?)),
                kind => Some((kind, h264::pps_ids(nal)?.0)),
            },
            VideoCodec::H265 => Some((h265::nal_type(nal), h265::set_id(nal)?)),
        }
    }

    fn parse(&mut self, codec: VideoCodec, (kind, id): (u8, u32), nal: &[u8]) -> bool {
        match (codec, kind) {
            (VideoCodec::H264, h264::SPS) => match h264::Sps::read(nal) {
                Some(sps) => {
                    self.avc.insert(id, sps);
                    true
                }
                None => false,
            },
            (VideoCodec::H264, _) => match h264::pps_ids(nal) {
                Some((_, sps)) => {
                    self.refers.insert(id, sps);
                    true
                }
                None => false,
            },
            (VideoCodec::H265, h265::SPS) => match h265::Sps::read(nal) {
                Some(sps) => {
                    self.hevc.insert(id, sps);
                    true
                }
                None => false,
            },
            (VideoCodec::H265, h265::PPS) => match h265::pps_refers(nal) {
                Some(sps) => {
                    self.refers.insert(id, sps);
                    true
                }
                None => false,
            },
            (VideoCodec::H265, _) => true,
        }
    }

    /// The sequence parameter set that holds for slices under a picture parameter set.
    pub(crate) fn avc(&self, pps: u32) -> Option<&h264::Sps> {
        let id = self.refers.get(&pps)?;
        self.avc.get(id)
    }

    fn of_kind(&self, kind: u8) -> Vec<Bytes> {
        self.raw.range((kind, 0)..=(kind, u32::MAX)).map(|(_, nal)| nal.clone()).collect()
    }

    /// The decoder configuration for a picture under a picture parameter set, if the sets are complete.
    pub(crate) fn entry(&self, codec: VideoCodec, pps: u32) -> Option<VideoEntry> {
        let refers = *self.refers.get(&pps)?;
        // The records speak of the first sequence parameter set: that is the active one.
        let sequence = |kind: u8| {
            let mut sets = self.of_kind(kind);
            let active = self.raw.get(&(kind, refers));
            sets.sort_by_key(|nal| Some(nal) != active);
            sets
        };
        match codec {
            VideoCodec::H264 => {
                let active = self.avc.get(&refers)?;
                Some(VideoEntry {
                    format: *b"avc1",
                    record_kind: *b"avcC",
                    record: h264::record(active, &sequence(h264::SPS), &self.of_kind(h264::PPS))?,
                    picture: active.picture.clone(),
                })
            }
            VideoCodec::H265 => {
                let active = self.hevc.get(&refers)?;
                let sets = [
                    (h265::VPS, self.of_kind(h265::VPS)),
                    (h265::SPS, sequence(h265::SPS)),
                    (h265::PPS, self.of_kind(h265::PPS)),
                ];
                Some(VideoEntry {
                    format: *b"hvc1",
                    record_kind: *b"hvcC",
                    record: h265::record(active, &sets)?,
                    picture: active.picture.clone(),
                })
            }
        }
    }
}
