//! Doubles for tests, in virtual time: a commercial key system by a script ([`ScriptedCdm`]), a licence
//! server by a script ([`ScriptedServer`]), and a player's loop around key sessions ([`Rig`]).
//!
//! They are part of the library so that the tests of other rooms and of applications can use them. Their
//! licences protect nothing.

mod cdm;
mod rig;
mod server;

pub use cdm::{CdmOperation, CdmScript, ScriptedCdm};
pub use rig::Rig;
pub use server::{DoubleLicence, Reply, ScriptedServer};
