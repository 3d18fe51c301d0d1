//! Elements, their attributes and their namespaces.

use std::borrow::Cow;

use quick_xml::escape::unescape;

/// Namespaces that matter to a player. Elements and attributes of others are ignored (D108).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ns {
    /// The namespace of the document's root: MPD or Patch. Also unprefixed attributes.
    Root,
    /// `xlink:`.
    Xlink,
    /// `cenc:`, ISO/IEC 23001-7.
    Cenc,
    /// `mspr:`, PlayReady.
    Playready,
    /// `dashif:` and the ClearKey namespace, both with `Laurl`.
    DashIf,
    /// `dvb:`.
    Dvb,
    /// `up:`, ISO/IEC 23009-1 Annex I.
    UrlParam,
    /// SCTE 214 extensions.
    Scte214,
    /// Anything else.
    Other,
}

impl Ns {
    pub(super) fn of_uri(uri: &str) -> Self {
        match uri {
            "http://www.w3.org/1999/xlink" => Self::Xlink,
            "urn:mpeg:cenc:2013" => Self::Cenc,
            "urn:microsoft:playready" => Self::Playready,
            "https://dashif.org/CPS" | "http://dashif.org/CPS" | "https://dashif.org/guidelines/ClearKey" => {
                Self::DashIf
            }
            "http://dashif.org/guidelines/clearKey" | "http://dashif.org/guidelines/ClearKey" => Self::DashIf,
            _ if uri.starts_with("urn:dvb:dash:dash-extensions") || uri.starts_with("urn:dvb:dash-extensions") => {
                Self::Dvb
            }
            _ if uri.starts_with("urn:mpeg:dash:schema:urlparam") => Self::UrlParam,
            _ if uri.starts_with("urn:scte:dash:scte214") => Self::Scte214,
            _ => Self::Other,
        }
    }

    /// What a prefix conventionally means; for remote elements and patches whose prefixes were
    /// declared in another document.
    pub(super) fn of_undeclared(prefix: &str) -> Self {
        match prefix {
            "xlink" => Self::Xlink,
            "cenc" => Self::Cenc,
            "mspr" => Self::Playready,
            "dashif" | "ck" | "clearkey" => Self::DashIf,
            "dvb" => Self::Dvb,
            "up" => Self::UrlParam,
            "scte214" => Self::Scte214,
            _ => Self::Other,
        }
    }
}

/// One attribute, its value still escaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) ns: Ns,
    pub(super) name: &'a str,
    /// Prefix and name as written.
    pub(super) qualified: &'a str,
    pub(super) raw: &'a str,
}

impl<'a> Attribute<'a> {
    /// The value with predefined entities and character references resolved; the reader has made
    /// sure that there are no others.
    pub(super) fn value(&self) -> Cow<'a, str> {
        if memchr::memchr(b'&', self.raw.as_bytes()).is_none() {
            return Cow::Borrowed(self.raw);
        }
        unescape(self.raw).unwrap_or(Cow::Borrowed(self.raw))
    }
}

/// An element that was opened.
#[derive(Clone, Debug)]
pub(super) struct Element<'a> {
    pub(super) ns: Ns,
    /// Local name.
    pub(super) name: &'a str,
    pub(super) prefix: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
    /// Offset of its `<` in the text.
    pub(super) at: usize,
}

impl<'a> Element<'a> {
    /// The local name, if the element is of the MPD namespace; else an empty string.
    pub(super) fn mpd_name(&self) -> &'a str {
        if self.ns == Ns::Root {
            self.name
        } else {
            ""
        }
    }

    /// An attribute of the given namespace.
    pub(super) fn attr_ns(&self, ns: Ns, name: &str) -> Option<Cow<'a, str>> {
        self.attributes.iter().find(|a| a.ns == ns && a.name == name).map(Attribute::value)
    }

    /// An attribute without a prefix.
    pub(super) fn attr(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attr_ns(Ns::Root, name)
    }

    /// The qualified name that an attribute has here, if it is there: as asked for, or under
    /// another prefix.
    pub(super) fn qualified_attribute(&self, name: &str) -> Option<String> {
        let local = name.rsplit(':').next();
        let exact = self.attributes.iter().find(|a| a.qualified == name);
        let found = exact.or_else(|| {
            let prefixed = name.contains(':');
            self.attributes.iter().find(|a| prefixed && a.ns != Ns::Root && Some(a.name) == local)
        });
        found.map(|a| a.qualified.to_owned())
    }

    /// The value of an attribute by its qualified name.
    pub(super) fn value_of(&self, qualified: &str) -> Option<Cow<'a, str>> {
        let found = self.attributes.iter().find(|a| a.qualified == qualified);
        found.map(Attribute::value)
    }

    /// An attribute without a prefix, owned.
    pub(super) fn string(&self, name: &str) -> Option<String> {
        self.attr(name).map(Cow::into_owned)
    }

    /// A list of words separated by white space.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        self.attr(name).map(|list| list.split_whitespace().take(WORDS).map(str::to_owned).collect()).unwrap_or_default()
    }

    /// A boolean attribute; anything but `true` and `1` is false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.attr(name).map(|text| matches!(text.trim(), "true" | "1"))
    }
}

/// Words of one list that are kept.
pub(super) const WORDS: usize = 256;

/// What is wrong with a reference to any but the five entities that XML itself defines.
pub(super) const UNKNOWN_ENTITY: &str =
    "an entity that XML does not define: those of a document type declaration are never expanded";

/// Why the attributes of a tag cannot be read.
pub(super) enum Fault {
    /// More than allowed.
    TooMany,
    /// Not well-formed.
    Syntax(&'static str),
}

/// The attributes of a tag as names and escaped values.
pub(super) fn raw_attributes(tag: &str, limit: usize) -> Result<Vec<(&str, &str)>, Fault> {
    const UNQUOTED: Fault = Fault::Syntax("an attribute without a quoted value");
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = tag[name_end(tag)..].trim_start_matches(is_space);
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or(UNQUOTED)?;
        let key = key.trim_end_matches(is_space);
        let after = after.trim_start_matches(is_space);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(UNQUOTED)?;
        let (value, after) = after[1..].split_once(quote).ok_or(UNQUOTED)?;
        if key.is_empty() || key.contains(is_space) {
            return Err(UNQUOTED);
        }
        if found.len() >= limit {
            return Err(Fault::TooMany);
        }
        if memchr::memchr(b'&', value.as_bytes()).is_some() && unescape(value).is_err() {
            return Err(Fault::Syntax(UNKNOWN_ENTITY));
        }
        found.push((key, value));
        rest = after.trim_start_matches(is_space);
    }
    if has_duplicates(&found) {
        return Err(Fault::Syntax("an attribute appears twice"));
    }
    Ok(found)
}

fn has_duplicates(found: &[(&str, &str)]) -> bool {
    if found.len() <= 12 {
        return found.iter().enumerate().any(|(i, (key, _))| found.iter().take(i).any(|(other, _)| other == key));
    }
    let mut keys: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

fn name_end(tag: &str) -> usize {
    tag.find(is_space).unwrap_or(tag.len())
}

/// Prefix (or nothing) and local name of a tag.
pub(super) fn local_name(tag: &str) -> (&str, &str) {
    let name = &tag[..name_end(tag)];
    name.split_once(':').unwrap_or(("", name))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
