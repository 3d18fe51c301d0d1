//! How the command ends: exit codes, and errors as one sentence.

use std::process::ExitCode;

use clap::CommandFactory as _;
use telecine_model::{Blame, Domain, Error, ErrorCode};

use crate::args::Cli;
use crate::document::circumstances;

/// A check that was asked for did not hold.
pub(crate) const NOT_HELD: u8 = 7;

/// The exit code that stands for an error's domain.
pub(crate) fn code_of(error: &Error) -> u8 {
    // A recording that cannot be read is a fault of its bytes, not of how the command was called.
    if error.code() == ErrorCode::RecordingInvalid {
        return 3;
    }
    // What is wrong with a codec is that the device has no decoder for it.
    if error.code() == ErrorCode::CodecUnsupported {
        return 6;
    }
    match error.code().domain() {
        Domain::Usage => 2,
        Domain::Manifest | Domain::Media => 3,
        // What came is too large or leads where it may not: no network would bring anything better.
        Domain::Network if error.code().blame() == Blame::Content => 3,
        Domain::Network | Domain::Service => 4,
        Domain::Drm => 5,
        Domain::Device => 6,
        // Domains to come are defects until this table knows them.
        _ => 1,
    }
}

/// Says on standard error what went wrong, in one line, and gives the exit code.
pub(crate) fn report(error: &Error) -> ExitCode {
    crate::output::complain(&one_line(&sentence(error, std::env::args().nth(1).as_deref())));
    ExitCode::from(code_of(error))
}

/// An error in one sentence: its code, what is wrong, where (place, URL, rendition and segment), and what to do.
pub(crate) fn words(error: &Error) -> String {
    let said = error.to_string();
    let advice = format!("; {}", error.code().advice());
    match (said.strip_suffix(&advice), circumstances(error)) {
        (Some(said), Some(within)) => format!("{said} ({within}){advice}"),
        _ => said,
    }
}

/// An error with what to do about it, which for a wrong argument of a command is to read that command's help.
fn sentence(error: &Error, command: Option<&str>) -> String {
    let said = words(error);
    let general = format!("; {}", error.code().advice());
    match said.strip_suffix(&general).filter(|_| error.code() == ErrorCode::InvalidArgument) {
        Some(said) => {
            let known =
                Cli::command().find_subcommand(command.unwrap_or("")).map(|command| command.get_name().to_owned());
            format!("{said}; see telecine {}--help", known.map_or(String::new(), |name| name + " "))
        }
        None => said,
    }
}

/// What the command line's reader found wrong, as an error like any other. Help and version are
/// not errors: they are printed as they are.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let text = without_keys(error);
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let said = text.split("\n\nUsage:").next().unwrap_or(text);
            let said = said.split("\n\nFor more information").next().unwrap_or(said);
            report(&Error::new(ErrorCode::InvalidArgument, said))
        }
    }
}

/// A key that was mistyped is most of a key: it is not repeated.
fn without_keys(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    let text = error.to_string();
    let of_key =
        matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(name)) if name.contains("--key"));
    match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if of_key && !value.is_empty() => text.replace(value.as_str(), "…"),
        _ => text,
    }
}

/// Text from outside must not break the sentence into lines or steer the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_domain_has_the_exit_code_of_the_contract() {
        for (code, exit) in [
            (ErrorCode::InternalDefect, 1),
            (ErrorCode::InvalidArgument, 2),
            (ErrorCode::ManifestSyntax, 3),
            (ErrorCode::ContainerSyntax, 3),
            (ErrorCode::RecordingInvalid, 3),
            (ErrorCode::ConnectFailed, 4),
            (ErrorCode::BodyTooLarge, 3),
            (ErrorCode::SchemeForbidden, 3),
            (ErrorCode::BodyLengthMismatch, 4),
            (ErrorCode::GeoBlocked, 4),
            (ErrorCode::KeyUnavailable, 5),
            (ErrorCode::SinkFailed, 6),
            (ErrorCode::CodecUnsupported, 6),
        ] {
            assert_eq!(code_of(&Error::new(code, "x")), exit, "{code:?}");
        }
    }

    #[test]
    fn an_error_of_a_segment_names_url_rendition_and_segment_before_the_advice() {
        let error = Error::new(ErrorCode::SegmentEmpty, "no samples").fact("url", "http://a/3.m4s").fact("segment", 3);
        let error = error.fact("kind", "video").fact("rendition", "v360");
        assert_eq!(
            words(&error),
            "3007 SegmentEmpty: no samples in http://a/3.m4s (video v360, segment 3); repackage the segment"
        );
    }

    #[test]
    fn a_wrong_argument_leads_to_the_help_of_its_command() {
        let error = Error::new(ErrorCode::InvalidArgument, "no");
        assert_eq!(sentence(&error, Some("play")), "7002 InvalidArgument: no; see telecine play --help");
        for unknown in [None, Some("pley"), Some("--x")] {
            assert_eq!(sentence(&error, unknown), "7002 InvalidArgument: no; see telecine --help");
        }
    }

    #[test]
    fn text_from_outside_stays_on_one_line_and_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\nb\x1b[31m  c\r\td"), "a b [31m c d");
    }
}
