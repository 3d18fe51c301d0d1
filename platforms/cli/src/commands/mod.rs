//! The subcommands.

pub(crate) mod inspect;
pub(crate) mod origin;
pub(crate) mod play;
pub(crate) mod probe;
pub(crate) mod replay;
