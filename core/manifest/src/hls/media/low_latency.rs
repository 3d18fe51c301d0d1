//! Server control, parts, hints, reports and skipped segments (4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.2
//! to 4.4.5.4).

use telecine_model::live::ServerControl;
use telecine_model::presentation::{PreloadHint, RenditionReport, Skip};
use telecine_model::segments::Part;
use telecine_model::{Error, ErrorCode, MediaTime, SegmentIndex};

use super::super::attributes::Attributes;
use super::super::reader::Reader;
use super::super::report::{Feature, Reject};
use super::Builder;

impl Builder {
    pub(super) fn part_inf<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        let target = attributes.span("PART-TARGET", reader)?;
        if target.is_none() {
            let message = "EXT-X-PART-INF needs PART-TARGET";
            return Err(reader.report.reject("H040", ErrorCode::ManifestMissing, message));
        }
        self.info.part_target = target;
        Ok(())
    }

    pub(super) fn server_control<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        self.info.server_control = Some(ServerControl {
            can_skip_until: attributes.span("CAN-SKIP-UNTIL", reader)?,
            can_skip_date_ranges: attributes.flag("CAN-SKIP-DATERANGES", reader)?,
            hold_back: attributes.span("HOLD-BACK", reader)?,
            part_hold_back: attributes.span("PART-HOLD-BACK", reader)?,
            can_block_reload: attributes.flag("CAN-BLOCK-RELOAD", reader)?,
        });
        Ok(())
    }

    pub(super) fn part<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        let uri = attributes.string("URI", reader)?;
        let duration = attributes.span("DURATION", reader)?;
        let independent = attributes.flag("INDEPENDENT", reader)?;
        let gap = attributes.flag("GAP", reader)?;
        let range = self.attribute_range("H065", &attributes, reader)?;
        let (Some(uri), Some(duration)) = (uri, duration) else {
            let message = "EXT-X-PART needs URI and DURATION";
            return Err(reader.report.reject("H064", ErrorCode::ManifestMissing, message));
        };
        let limits = reader.report.context.limits;
        if duration > limits.segment_duration {
            return Err(reader.report.limit("the part is too long", limits.segment_duration).into());
        }
        self.part_count += 1;
        if self.part_count > limits.parts {
            return Err(reader.report.limit("the playlist has too many parts", limits.parts).into());
        }
        self.segments.begin(&mut reader.report)?;
        let byte_range = self.segments.part_range(&uri, range, &mut reader.report)?;
        // The part before this one is not its segment's last, so it has a least duration.
        if let Some(before) = self.segments.parts.last() {
            let bound = !before.independent && !before.gap && !gap;
            if bound && self.short_part.is_none_or(|(shortest, _)| before.duration < shortest) {
                self.short_part = Some((before.duration, reader.report.line));
            }
        }
        if self.long_part.is_none_or(|(longest, _)| duration > longest) {
            self.long_part = Some((duration, reader.report.line));
        }
        self.segments.parts.push(Part { duration, uri, byte_range, independent, gap });
        Ok(())
    }

    /// `EXT-X-SKIP` (H074) stands for the oldest segments, so it stands in front of the others.
    pub(super) fn skip<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        reader.report.uses(Feature::Skip);
        let attributes = Attributes::parse(value, &[], reader)?;
        let removed = attributes.quoted_or_empty("RECENTLY-REMOVED-DATERANGES", reader)?;
        let Some(segments) = attributes.integer("SKIPPED-SEGMENTS", reader)? else {
            let error = reader.report.error(ErrorCode::ManifestMissing, "EXT-X-SKIP needs SKIPPED-SEGMENTS");
            return Err(error.fact("rule", "H074").into());
        };
        if self.info.skip.is_some() {
            return Ok(reader.repeated("H074", "EXT-X-SKIP")?);
        }
        if self.segments.has_begun() {
            let message = "EXT-X-SKIP stands behind a segment";
            let error = reader.report.error(ErrorCode::ManifestContradiction, message);
            return Err(error.fact("rule", "H074").into());
        }
        if removed.is_some() {
            reader.report.uses(Feature::SkipDateRanges);
        }
        self.segments.skipped = Some(segments);
        let identifiers = removed.as_deref().unwrap_or("").split('\t');
        self.info.skip = Some(Skip {
            segments,
            date_ranges: removed.is_some(),
            removed_date_ranges: identifiers.filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            keys_ended_at: None,
            maps_ended_at: None,
        });
        Ok(())
    }

    pub(super) fn preload_hint<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        let kind = match attributes.word("TYPE", reader)? {
            Some(kind @ ("PART" | "MAP")) => kind,
            Some(other) => return Err(reader.unknown_value("TYPE", other)),
            None => {
                let message = "EXT-X-PRELOAD-HINT needs TYPE";
                return Err(reader.report.reject("H075", ErrorCode::ManifestMissing, message));
            }
        };
        let Some(uri) = attributes.string("URI", reader)? else {
            let message = "EXT-X-PRELOAD-HINT needs URI";
            return Err(reader.report.reject("H075", ErrorCode::ManifestMissing, message));
        };
        if self.info.preload_hints.iter().any(|hint| hint.kind == kind) {
            let message = "a second hint of one type is ignored";
            return Err(reader.report.ignore("H128", message));
        }
        self.info.preload_hints.push(PreloadHint {
            kind: kind.to_owned(),
            uri,
            start: attributes.integer("BYTERANGE-START", reader)?.unwrap_or(0),
            length: attributes.integer("BYTERANGE-LENGTH", reader)?,
        });
        Ok(())
    }

    pub(super) fn rendition_report<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        let Some(uri) = attributes.string("URI", reader)? else {
            let message = "EXT-X-RENDITION-REPORT needs URI";
            return Err(reader.report.reject("H078", ErrorCode::ManifestMissing, message));
        };
        if self.info.rendition_reports.len() >= reader.report.context.limits.side_items {
            return Err(reader.report.ignore("H078", "too many rendition reports are ignored"));
        }
        self.info.rendition_reports.push(RenditionReport {
            uri,
            last_msn: attributes.integer("LAST-MSN", reader)?,
            last_part: attributes.integer("LAST-PART", reader)?,
        });
        Ok(())
    }

    /// What a rendition report leaves out is the same as in this playlist (H078).
    pub(super) fn complete_reports(&mut self, index: &SegmentIndex) {
        let partial = index.parts.last();
        let complete = index.table.end_number().checked_sub(1).filter(|_| !index.table.is_empty());
        let last_msn = partial.map(|segment| segment.number).max(complete);
        let last_part = partial
            .filter(|segment| Some(segment.number) == last_msn)
            .and_then(|segment| u64::try_from(segment.parts.len()).ok()?.checked_sub(1));
        for report in &mut self.info.rendition_reports {
            report.last_msn = report.last_msn.or(last_msn);
            report.last_part = report.last_part.or(last_part);
        }
    }

    /// What can be said only when everything has been read (H040 to H044, H064, H077).
    pub(super) fn check_low_latency(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        let contradiction = ErrorCode::ManifestContradiction;
        let end = reader.report.line;
        if let (None, Some((longest, line))) = (self.info.part_target, self.long_part) {
            reader.report.line = line;
            let message = "parts without EXT-X-PART-INF; the longest stands for the target";
            reader.report.fault("H040", ErrorCode::ManifestMissing, message)?;
            self.info.part_target = Some(longest);
        }
        if let Some(target) = self.info.part_target {
            if let Some((duration, line)) = self.long_part.filter(|(longest, _)| *longest > target) {
                reader.report.line = line;
                let message = format!("a part lasts {duration}, longer than the part target {target}");
                reader.report.fault("H064", contradiction, message)?;
            }
            let least = target.mul_ratio(85, 100);
            if let Some((duration, line)) = self.short_part.filter(|(shortest, _)| *shortest < least) {
                reader.report.line = line;
                let message = format!("a part lasts {duration}, less than 85 % of the part target {target}");
                reader.report.fault("H064", contradiction, message)?;
            }
        }
        reader.report.line = end;
        self.check_server_control(reader)?;
        if self.info.ended && !self.info.preload_hints.is_empty() {
            let message = "hints in an ended playlist are left out";
            reader.report.fault("H077", contradiction, message)?;
            self.info.preload_hints.clear();
        }
        Ok(())
    }

    fn check_server_control(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        let contradiction = ErrorCode::ManifestContradiction;
        let target = self.info.target_duration;
        let part_target = self.info.part_target;
        let Some(control) = &mut self.info.server_control else {
            if part_target.is_some() {
                let message = "parts without EXT-X-SERVER-CONTROL and its PART-HOLD-BACK";
                reader.report.fault("H044", ErrorCode::ManifestMissing, message)?;
            }
            return Ok(());
        };
        let below = |value: Option<MediaTime>, unit: MediaTime, times| {
            value.is_some_and(|value| value < unit.mul_ratio(times, 1))
        };
        if below(control.can_skip_until, target, 6) {
            let message = "CAN-SKIP-UNTIL is below six target durations";
            reader.report.fault("H041", contradiction, message)?;
        }
        if control.can_skip_date_ranges && control.can_skip_until.is_none() {
            let message = "CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL is left out";
            reader.report.fault("H042", contradiction, message)?;
            control.can_skip_date_ranges = false;
        }
        if below(control.hold_back, target, 3) {
            let message = "HOLD-BACK is below three target durations";
            reader.report.fault("H043", contradiction, message)?;
        }
        let Some(part_target) = part_target else {
            return Ok(());
        };
        if control.part_hold_back.is_none() {
            let message = "parts without PART-HOLD-BACK";
            reader.report.fault("H044", ErrorCode::ManifestMissing, message)?;
        } else if below(control.part_hold_back, part_target, 2) {
            let message = "PART-HOLD-BACK is below two part targets";
            reader.report.fault("H044", contradiction, message)?;
        } else if below(control.part_hold_back, part_target, 3) {
            reader.report.warn("H044", "PART-HOLD-BACK should be three part targets");
        }
        Ok(())
    }
}
