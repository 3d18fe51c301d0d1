//! ClearKey in software: a whole key system with keys in the clear (W3C EME, 9.1).
//!
//! It takes licences in JSON, key files of HLS' `identity` format and keys that the application gives, and
//! puts all of them into one [`KeyStore`], where the decryptor finds them by identifier or URI.

mod store;

use std::collections::VecDeque;

use telecine_model::protection::{KeyId, KeyRef, KeyStatus, KeySystem, SystemId};
use telecine_model::{Limits, SortedMap, SortedSet, Timestamp};
use zeroize::Zeroize as _;

use crate::session::{
    Access, Cdm, CdmCommand, CdmEvent, CdmFailure, CdmFailureKind, CloseReason, MessageKind, SessionId, SessionKind,
};
use crate::system::{clearkey, DataUri, InitData, InitDataKind, Pssh};
use crate::{ContentKey, SecretBytes};

pub use store::KeyStore;

/// The key system. It reacts at once: what a command leads to can be polled right after it.
#[derive(Debug)]
pub struct ClearKeyCdm {
    limits: Limits,
    store: KeyStore,
    sessions: SortedMap<SessionId, Session>,
    events: VecDeque<CdmEvent>,
}

/// An open session.
#[derive(Debug, Default)]
struct Session {
    /// A session for a key file: its URI.
    uri: Option<KeyRef>,
    keys: SortedSet<KeyRef>,
}

impl ClearKeyCdm {
    /// A key system without keys.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), store: KeyStore::new(), sessions: SortedMap::new(), events: VecDeque::new() }
    }

    /// Takes a key that the application gives. Sessions that need no other make no request.
    pub fn give(&mut self, kid: KeyId, key: &ContentKey) {
        self.store.give(kid, key);
    }

    /// Forgets the keys that the application gave before, but these.
    pub fn keep_given(&mut self, kids: impl IntoIterator<Item = KeyId>) {
        let kept: SortedSet<KeyId> = kids.into_iter().collect();
        self.store.keep_given(|kid| kept.contains(&kid));
    }

    /// The keys, for the decryptor.
    pub fn keys(&self) -> &KeyStore {
        &self.store
    }

    fn generate(&mut self, id: SessionId, init_data: &InitData) -> Result<(), CdmFailure> {
        let invalid = |message: &str| CdmFailure::new(CdmFailureKind::InvalidData, message);
        if init_data.kind == InitDataKind::KeyUri {
            let uri = core::str::from_utf8(&init_data.bytes).map_err(|_| invalid("a key URI that is not UTF-8"))?;
            return self.generate_for_uri(id, uri);
        }
        let kids = self.key_ids(init_data)?;
        let (here, missing): (Vec<KeyId>, Vec<KeyId>) =
            kids.into_iter().partition(|kid| self.store.contains(&KeyRef::Kid(*kid)));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.keys.extend(here.iter().copied().map(KeyRef::Kid));
        }
        for kid in here {
            // This session has it too, whoever brought it.
            if let Some(key) = self.store.bytes(&KeyRef::Kid(kid)).cloned() {
                self.store.bring(id, KeyRef::Kid(kid), key);
            }
        }
        if missing.is_empty() {
            self.report(id);
        } else {
            let body = clearkey::request_to_json(&missing, SessionKind::Temporary);
            let kind = MessageKind::LicenceRequest;
            self.events.push_back(CdmEvent::Message { session: id, kind, body: body.into(), url: None });
        }
        Ok(())
    }

    fn key_ids(&self, init_data: &InitData) -> Result<Vec<KeyId>, CdmFailure> {
        let invalid = |message: &str| CdmFailure::new(CdmFailureKind::InvalidData, message);
        let kids = match init_data.kind {
            InitDataKind::KeyIds => clearkey::key_ids_from_json(&init_data.bytes, &self.limits),
            InitDataKind::Cenc => Pssh::parse_all(&init_data.bytes, &self.limits).map(|boxes| {
                // The common system's box is the one to use; DASH-IF's own is a fallback.
                let of = |id| boxes.iter().filter(move |pssh| pssh.system == id).flat_map(|pssh| pssh.kids.clone());
                let common: Vec<_> = of(SystemId::COMMON).collect();
                if common.is_empty() {
                    of(SystemId::CLEARKEY).collect()
                } else {
                    common
                }
            }),
            _ => {
                return Err(CdmFailure::new(CdmFailureKind::NotSupported, "initialisation data of another key system"))
            }
        };
        match kids {
            Ok(kids) if !kids.is_empty() => Ok(kids),
            Ok(_) => Err(invalid("initialisation data that names no keys")),
            Err(error) => Err(invalid(error.message())),
        }
    }

    fn generate_for_uri(&mut self, id: SessionId, uri: &str) -> Result<(), CdmFailure> {
        let name = KeyRef::Uri(uri.into());
        if let Some(session) = self.sessions.get_mut(&id) {
            session.uri = Some(name);
        }
        if DataUri::is_one(uri) {
            let data = DataUri::parse(uri, self.limits.licence_bytes);
            let data = data.map_err(|error| CdmFailure::new(CdmFailureKind::InvalidData, error.message()))?;
            return self.take_key_file(id, &data.bytes.into());
        }
        let (kind, body) = (MessageKind::LicenceRequest, SecretBytes::new(Vec::new()));
        self.events.push_back(CdmEvent::Message { session: id, kind, body, url: Some(uri.into()) });
        Ok(())
    }

    fn update(&mut self, id: SessionId, response: &SecretBytes) -> Result<(), CdmFailure> {
        if self.sessions.get(&id).is_some_and(|session| session.uri.is_some()) {
            self.events.push_back(CdmEvent::Updated { session: id });
            return self.take_key_file(id, response);
        }
        let invalid = |message: &str| CdmFailure::new(CdmFailureKind::InvalidData, message);
        let licence = clearkey::Licence::parse(response.expose(), &self.limits);
        let licence = licence.map_err(|error| invalid(error.message()))?;
        if licence.kind != SessionKind::Temporary {
            return Err(invalid("a licence to store, for a session that does not"));
        }
        for (kid, key) in licence.keys {
            let mut bytes = *key.expose();
            self.store.bring(id, KeyRef::Kid(kid), bytes.to_vec().into());
            bytes.zeroize();
            if let Some(session) = self.sessions.get_mut(&id) {
                session.keys.insert(KeyRef::Kid(kid));
            }
        }
        self.events.push_back(CdmEvent::Updated { session: id });
        self.report(id);
        Ok(())
    }

    /// A key file is the key: 16 bytes, or 32 for AES-256 (rfc8216bis, 5.1).
    fn take_key_file(&mut self, id: SessionId, key: &SecretBytes) -> Result<(), CdmFailure> {
        if !matches!(key.len(), 16 | 32) {
            let message = format!("a key file of {} bytes; it has to have 16", key.len());
            return Err(CdmFailure::new(CdmFailureKind::InvalidData, message));
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return Ok(());
        };
        if let Some(name) = session.uri.clone() {
            session.keys.insert(name.clone());
            self.store.bring(id, name, key.clone());
        }
        self.report(id);
        Ok(())
    }

    fn report(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let statuses = session.keys.iter().map(|name| (name.clone(), KeyStatus::Usable)).collect();
        self.events.push_back(CdmEvent::KeyStatuses { session: id, statuses });
    }

    fn close(&mut self, id: SessionId) {
        if self.sessions.remove(&id).is_some() {
            self.store.drop_session(id);
            self.events.push_back(CdmEvent::Closed { session: id, reason: CloseReason::ClosedByApplication });
        }
    }
}

impl Cdm for ClearKeyCdm {
    fn execute(&mut self, command: CdmCommand, _now: Timestamp) {
        let unsupported = |message: &str| CdmFailure::new(CdmFailureKind::NotSupported, message);
        match command {
            CdmCommand::Access { id, system: KeySystem::ClearKey, persistent: false, .. } => {
                self.events.push_back(CdmEvent::Access { id, answer: Ok(Access::default()) });
            }
            CdmCommand::Access { id, .. } => {
                let failure = unsupported("only ClearKey for one playback is to be had in software");
                self.events.push_back(CdmEvent::Access { id, answer: Err(failure) });
            }
            CdmCommand::SetCertificate { id, .. } => {
                let answer = Err(unsupported("ClearKey takes no certificate"));
                self.events.push_back(CdmEvent::Certificate { id, answer });
            }
            CdmCommand::Provision { id } | CdmCommand::FinishProvisioning { id, .. } => {
                self.events.push_back(CdmEvent::Provisioned { id, answer: Ok(()) });
            }
            CdmCommand::Create { session, kind: SessionKind::Temporary } => {
                self.sessions.insert(session, Session::default());
                self.events.push_back(CdmEvent::Created { session });
            }
            CdmCommand::Create { session, .. } | CdmCommand::Load { session, .. } => {
                let failure = unsupported("ClearKey in software stores no licences");
                self.events.push_back(CdmEvent::Failed { session, failure });
            }
            CdmCommand::GenerateRequest { session, init_data } => {
                if self.sessions.contains_key(&session) {
                    if let Err(failure) = self.generate(session, &init_data) {
                        self.events.push_back(CdmEvent::Failed { session, failure });
                    }
                }
            }
            CdmCommand::Update { session, response } => {
                if self.sessions.contains_key(&session) {
                    if let Err(failure) = self.update(session, &response) {
                        self.events.push_back(CdmEvent::Failed { session, failure });
                    }
                }
            }
            // A licence for one playback is destroyed with its session.
            CdmCommand::Remove { session } | CdmCommand::Close { session } => self.close(session),
        }
    }

    fn poll(&mut self, _now: Timestamp) -> Option<CdmEvent> {
        self.events.pop_front()
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }
}
