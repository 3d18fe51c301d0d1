//! The `telecine` command.

mod args;
mod columns;
mod commands;
mod dashboard;
mod document;
mod exit;
mod fetch;
mod media;
mod net;
mod output;
mod panel;
mod report;
mod status;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let done = match &cli.command {
        Command::Play(args) => commands::play::run(args),
        Command::Inspect(args) => commands::inspect::run(args).map(|()| ExitCode::SUCCESS),
        Command::Probe(args) => commands::probe::run(args).map(|()| ExitCode::SUCCESS),
        Command::Remux(args) => commands::remux::run(args).map(|()| ExitCode::SUCCESS),
        Command::Decrypt(args) => commands::decrypt::run(args).map(|()| ExitCode::SUCCESS),
        Command::Origin(args) => commands::origin::run(args).map(|()| ExitCode::SUCCESS),
        Command::Replay(args) => commands::replay::run(args),
        Command::Simulate(args) => commands::simulate::run(args),
    };
    done.unwrap_or_else(|error| exit::report(&error))
}
