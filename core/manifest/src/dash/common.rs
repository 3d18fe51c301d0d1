//! Attributes and elements that adaptation sets and representations share (`RepresentationBaseType`,
//! ISO/IEC 23009-1, 5.3.7). A representation's own come first, its set's where it has none.

use telecine_model::datetime::parse_date_time;
use telecine_model::presentation::{Descriptor, ProducerReferenceTime, Resync};
use telecine_model::Error;

use super::descriptors::{self, channels, Label, Properties};
use super::element::Element;
use super::protection;
use super::reader::Xml;
use super::value::{frame_rate, integer, millionths, thousandths};

/// What one of the two levels says.
#[derive(Clone, Debug, Default)]
pub(super) struct Common {
    pub(super) mime_type: Option<String>,
    pub(super) codecs: Option<String>,
    pub(super) supplemental_codecs: Option<String>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) frame_rate: Option<(u32, u32)>,
    pub(super) sample_rate: Option<u32>,
    pub(super) start_with_sap: Option<u32>,
    pub(super) max_playout_rate: Option<u32>,
    pub(super) coding_dependency: Option<bool>,
    pub(super) channels: Option<u32>,
    pub(super) channel_layout: Option<String>,
    pub(super) protection: Vec<protection::Descriptor>,
    pub(super) properties: Properties,
    pub(super) inband_events: Vec<Descriptor>,
    pub(super) producer_times: Vec<ProducerReferenceTime>,
    pub(super) resync: Vec<Resync>,
    pub(super) labels: Vec<Label>,
}

impl Common {
    /// The attributes.
    pub(super) fn of<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Self {
        // The attribute is MPEG's and, earlier, SCTE's.
        let supplemental = element.attributes.iter().find(|a| a.name == "supplementalCodecs");
        Self {
            mime_type: element.string("mimeType"),
            codecs: element.string("codecs"),
            supplemental_codecs: supplemental.map(|a| a.value().into_owned()),
            width: xml.parsed(element, "width", "D103", integer),
            height: xml.parsed(element, "height", "D103", integer),
            frame_rate: xml.parsed(element, "frameRate", "D103", frame_rate),
            // One rate, or the lowest and the highest.
            sample_rate: xml.parsed(element, "audioSamplingRate", "D103", |text| {
                text.split_whitespace().next_back().and_then(integer)
            }),
            start_with_sap: xml.parsed(element, "startWithSAP", "D104", integer),
            max_playout_rate: xml.parsed(element, "maxPlayoutRate", "D098", thousandths),
            coding_dependency: element.flag("codingDependency"),
            ..Self::default()
        }
    }

    /// Reads a child that both levels can have. False leaves it to the caller.
    pub(super) fn read<'a>(
        &mut self,
        xml: &mut Xml<'a>,
        element: &Element<'a>,
        shared: &mut protection::Shared,
    ) -> Result<bool, Error> {
        if self.properties.read(xml, element)? {
            return Ok(true);
        }
        match element.mpd_name() {
            "ContentProtection" => {
                let descriptor = protection::Descriptor::read(xml, element, shared)?;
                xml.keep(&mut self.protection, descriptor)?;
            }
            "AudioChannelConfiguration" => {
                let descriptor = descriptors::read(xml, element)?;
                if let Some(count) = channels(&descriptor) {
                    self.channels = Some(self.channels.map_or(count, |known| known.max(count)));
                }
                self.channel_layout = self.channel_layout.take().or(descriptor.value);
            }
            "InbandEventStream" => {
                let scheme = descriptors::read(xml, element)?;
                xml.keep(&mut self.inband_events, scheme)?;
            }
            "ProducerReferenceTime" => {
                let time = ProducerReferenceTime {
                    id: element.string("id").unwrap_or_default(),
                    kind: element.string("type").unwrap_or_else(|| "encoder".to_owned()),
                    wall_clock: xml.parsed(element, "wallClockTime", "D026", parse_date_time),
                    presentation_ticks: xml.parsed(element, "presentationTime", "D026", integer).unwrap_or(0),
                    inband: element.flag("inband").unwrap_or(false),
                };
                xml.keep(&mut self.producer_times, time)?;
                xml.skip()?;
            }
            "Resync" => {
                let point = Resync {
                    kind: xml.parsed(element, "type", "D083", integer).unwrap_or(0),
                    max_distance_ticks: xml.parsed(element, "dT", "D083", integer),
                    max_index_micro: xml.parsed(element, "dImax", "D083", millionths),
                    min_index_micro: xml.parsed(element, "dImin", "D083", millionths),
                    marker: element.flag("marker").unwrap_or(false),
                };
                xml.keep(&mut self.resync, point)?;
                xml.skip()?;
            }
            "Label" => {
                let label = descriptors::label(xml, element)?;
                xml.keep(&mut self.labels, label)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
