//! Answers to who asks for keys.

use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;
use super::bare;
use crate::body::Part;
use crate::fault::Class;
use crate::options::Target;
use crate::protect::{hex, keys_file, licence, title_keys, Access, Decision, KeyName, KnownKey};
use crate::request::{Delivery, Keys, Request, Response};
use crate::resource::Resource;
use crate::title::Title;

/// What is answered to who asks for a key, for a licence, or for the list of keys; None for other files.
pub(super) fn asked_for_keys(
    title: &Title,
    target: &Target,
    request: &Request<'_>,
) -> Result<Option<KeysAnswer>, Box<Response>> {
    let protection = &target.options.protection;
    let not_found = |what: &str| Err(Box::new(bare(404, Vec::new(), Some(what))));
    let of = KeysAnswer::new;
    if protection.scheme.is_none() {
        let keys = matches!(target.file.as_str(), "license" | "keys.json") || target.file.starts_with("key/");
        return if keys { not_found("the title is clear: there are no keys") } else { Ok(None) };
    }
    let decision = protection.access.decide(request);
    match target.file.as_str() {
        "keys.json" => {
            let list = Bytes::from(keys_file(title, protection));
            Ok(Some(of("application/json", list, Keys::default(), Decision::Granted)))
        }
        "license" => {
            let keys = title_keys(title, protection);
            licence_answer(&keys, &protection.access, request).map(Some)
        }
        file => {
            let Some(stem) = file.strip_prefix("key/").and_then(|name| name.strip_suffix(".bin")) else {
                return Ok(None);
            };
            let known = protection.keys(title);
            let position = KeyName::read(stem).and_then(|name| known.iter().position(|known| *known == name));
            let Some((position, name)) = position.and_then(|at| Some((at, known.get(at)?))) else {
                return not_found("no such key");
            };
            let asked = vec![hex(&name.kid())];
            match protection.access.key(name.key(), position as u64) {
                Some(key) => {
                    let mut bytes = key.to_vec();
                    if protection.access.long {
                        bytes.push(0);
                    }
                    let keys = Keys { given: asked.clone(), asked };
                    Ok(Some(of("application/octet-stream", Bytes::from(bytes), keys, decision)))
                }
                None => Ok(Some(of(
                    "text/plain",
                    Bytes::new(),
                    Keys { asked, given: Vec::new() },
                    Decision::Refused(404, "a missing key"),
                ))),
            }
        }
    }
}

/// An answer about keys in the making.
pub(super) struct KeysAnswer {
    resource: Resource,
    keys: Keys,
    decision: Decision,
}

impl KeysAnswer {
    fn new(content_type: &'static str, body: Bytes, keys: Keys, decision: Decision) -> Self {
        Self { resource: Resource::new(Class::Key, content_type, "", vec![Part::Bytes(body)]), keys, decision }
    }
}

/// What a licence server that has these keys answers.
pub(super) fn licence_answer(
    known: &[KnownKey],
    access: &Access,
    request: &Request<'_>,
) -> Result<KeysAnswer, Box<Response>> {
    let Some(licence) = licence(known, access, request.body) else {
        return Err(Box::new(bare(400, Vec::new(), Some("not a licence request of ClearKey"))));
    };
    let keys = Keys { asked: licence.asked, given: licence.given };
    Ok(KeysAnswer::new("application/json", Bytes::from(licence.json), keys, access.decide(request)))
}

impl Answer<'_> {
    /// Keys for who may have them.
    pub(super) fn give_keys(self, asked: KeysAnswer) -> Response {
        let delay = Duration::from_millis(self.target.options.protection.access.delay_ms);
        let mut response = match asked.decision {
            Decision::Granted => self.give(asked.resource),
            Decision::Refused(status, why) => {
                let challenge = (status == 401).then(|| ("www-authenticate", "Bearer".to_owned()));
                self.delivered(bare(status, challenge.into_iter().collect(), Some(why)), Delivery::default())
            }
        };
        response.delivery.head_delay += delay;
        response.headers.push(("cache-control", "no-store".to_owned()));
        let given = if response.status < 300 { asked.keys.given } else { Vec::new() };
        response.keys = Some(Keys { given, ..asked.keys });
        response
    }
}
