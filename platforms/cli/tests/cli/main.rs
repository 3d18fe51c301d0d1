//! The command as scripts and people use it: arguments in; exit code, standard output, standard error and files out.

// Helpers of tests are not tests to clippy.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

mod a_failed_session_is_reported_too;
mod a_folder_of_another_packager_is_served_and_played;
mod a_protected_title_ends_with_a_drm_error;
mod a_recording_replays_to_the_same_decisions;
mod a_session_stops_where_it_was_asked_to;
mod an_error_is_one_sentence_with_code_place_url_and_advice;
mod an_hls_media_playlist_is_inspected_to_the_last_attribute;
mod an_hls_multivariant_playlist_is_inspected_with_its_children;
mod an_mpd_is_inspected;
mod bitrate_rules_are_compared;
mod bitrates_are_measured;
mod ctrl_c_stops_and_still_reports;
mod every_sample_comes_once_wherever_playback_starts;
mod every_variant_is_inspected_to_its_segments;
mod exit_codes_follow_the_kind_of_error;
mod faults_of_a_manifest_are_told;
mod hls_of_transport_streams_plays;
mod inspect_and_play_name_the_same_cause;
mod live_titles_play;
mod long_lists_are_written_as_they_are_made;
mod movies_become_cmaf_that_others_read;
mod probe_lists_what_ffprobe_lists;
mod probe_says_what_subtitles_hold;
mod protected_media_becomes_clear;
mod protected_titles_play;
mod samples_for_decoders_that_know_no_mp4;
mod streams_become_mp4_that_others_read;
mod the_demo_title_plays_to_its_end;
mod the_origin_logs_every_request;
mod the_report_page_stands_alone;
mod what_the_network_gave_is_remembered;
mod wishes_that_cannot_be_fulfilled_are_told;
