//! The subcommands.

pub(crate) mod decrypt;
pub(crate) mod inspect;
pub(crate) mod origin;
pub(crate) mod play;
pub(crate) mod probe;
pub(crate) mod remux;
pub(crate) mod replay;
pub(crate) mod simulate;
