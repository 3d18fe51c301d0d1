//! `ContentProtection`: one [`Protection`] for each key system, put together from the descriptors
//! of the set, of the representation, and of those they refer to (D087–D089).

use telecine_model::protection::{KeyId, Protection};
use telecine_model::{uri, Error, SortedMap};

use super::element::{Element, Ns};
use super::reader::{clip, Xml};

/// `urn:mpeg:dash:mp4protection:2011`: scheme and default key, of no particular system.
const MP4_PROTECTION: &str = "urn:mpeg:dash:mp4protection:2011";

/// One descriptor as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Descriptor {
    scheme: String,
    value: Option<String>,
    reference: Option<String>,
    kid: Option<KeyId>,
    found: Protection,
}

/// Descriptors by `@refId`, for those that only refer to them.
pub(super) type Shared = SortedMap<String, Descriptor>;

impl Descriptor {
    /// Reads a `ContentProtection`; one with `@refId` is shared too.
    pub(super) fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>, shared: &mut Shared) -> Result<Self, Error> {
        let mut own = Self {
            scheme: element.attr("schemeIdUri").map(|s| s.trim().to_ascii_lowercase()).unwrap_or_default(),
            value: element.string("value"),
            reference: element.string("ref"),
            kid: None,
            found: Protection { robustness: element.string("robustness"), ..Protection::default() },
        };
        let kid = element.attr_ns(Ns::Cenc, "default_KID").or_else(|| element.attr("default_KID"));
        if let Some(text) = kid {
            own.kid = text.split_whitespace().next().and_then(key_id);
            if own.kid.is_none() {
                xml.warn("D087", format!("default_KID=\"{}\" is not a UUID", clip(&text)));
            }
        }
        while let Some(child) = xml.child()? {
            let slot = match (child.ns, child.name) {
                (Ns::Cenc, "pssh") => &mut own.found.pssh,
                (Ns::Playready, "pro") => &mut own.found.pro,
                (Ns::DashIf, "Laurl" | "laurl") => &mut own.found.uri,
                (Ns::DashIf, "Authzurl" | "authzurl") => &mut own.found.authorization_uri,
                (Ns::DashIf, "Certurl" | "certurl") => &mut own.found.certificate_uri,
                _ => {
                    xml.skip()?;
                    continue;
                }
            };
            let is_url = !matches!(child.ns, Ns::Cenc | Ns::Playready);
            let mut text = xml.text()?;
            if is_url {
                text = uri::resolve(xml.uri, &text);
            } else {
                text.retain(|c| !c.is_whitespace());
            }
            // The first of several is taken.
            if !text.is_empty() && slot.is_none() {
                *slot = Some(text);
            }
        }
        if let Some(id) = element.string("refId") {
            if shared.len() < xml.limits.side_items {
                shared.entry(id).or_insert_with(|| own.clone());
            }
        }
        Ok(own)
    }

    /// This descriptor with what it lacks taken from the one it refers to.
    fn resolved(&self, shared: &Shared) -> Self {
        let Some(other) = self.reference.as_ref().and_then(|id| shared.get(id)) else {
            return self.clone();
        };
        let mut own = self.clone();
        if own.scheme.is_empty() {
            own.scheme.clone_from(&other.scheme);
        }
        own.value = own.value.or_else(|| other.value.clone());
        own.kid = own.kid.or(other.kid);
        fill(&mut own.found, &other.found);
        own
    }
}

/// Takes over what `own` does not say.
fn fill(own: &mut Protection, other: &Protection) {
    let take = |own: &mut Option<String>, other: &Option<String>| {
        if own.is_none() {
            own.clone_from(other);
        }
    };
    take(&mut own.pssh, &other.pssh);
    take(&mut own.pro, &other.pro);
    take(&mut own.uri, &other.uri);
    take(&mut own.authorization_uri, &other.authorization_uri);
    take(&mut own.certificate_uri, &other.certificate_uri);
    take(&mut own.robustness, &other.robustness);
    own.default_kid = own.default_kid.or(other.default_kid);
}

/// The protection of a representation: its own descriptors first, then those of its set.
pub(super) fn merge(own: &[Descriptor], set: &[Descriptor], shared: &Shared) -> Vec<Protection> {
    let all: Vec<Descriptor> = own.iter().chain(set).map(|d| d.resolved(shared)).collect();
    let common = all.iter().find(|d| d.scheme == MP4_PROTECTION);
    let scheme = common.and_then(|d| d.value.clone()).unwrap_or_default();
    let kid = common.and_then(|d| d.kid);
    let mut out: Vec<Protection> = Vec::new();
    for descriptor in all.iter().filter(|d| d.scheme != MP4_PROTECTION) {
        let mut protection = descriptor.found.clone();
        match descriptor.scheme.strip_prefix("urn:uuid:") {
            Some(system) => {
                protection.system = Some(system.to_owned());
                protection.scheme.clone_from(&scheme);
            }
            None => protection.scheme.clone_from(&descriptor.scheme),
        }
        protection.default_kid = descriptor.kid.or(kid);
        let same = |known: &&mut Protection| {
            known.system == protection.system && (known.system.is_some() || known.scheme == protection.scheme)
        };
        match out.iter_mut().find(same) {
            Some(known) => fill(known, &protection),
            None => out.push(protection),
        }
    }
    if let (true, Some(common)) = (out.is_empty(), common) {
        out.push(Protection { scheme, default_kid: kid, ..common.found.clone() });
    }
    out
}

/// A UUID in any of its spellings.
fn key_id(text: &str) -> Option<KeyId> {
    let mut id = [0_u8; 16];
    let mut nibbles = 0;
    for digit in text.bytes().filter(|b| !matches!(b, b'-' | b'{' | b'}')) {
        let value = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        let byte = id.get_mut(nibbles / 2)?;
        *byte = *byte << 4 | value;
        nibbles += 1;
    }
    (nibbles == 32).then_some(KeyId(id))
}
