//! How well what there is fits what is wanted.

use super::{registry, Language};

/// How well a language that there is fits one that is wanted. Ordered: greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchQuality {
    /// Another language.
    None,
    /// Another language of the same macrolanguage: Cantonese for Chinese, Nynorsk for Bokmål.
    Related,
    /// The same language in another script: simplified for traditional Chinese.
    Primary,
    /// The same language and script of another region or variant: Portugal's for Brazil's.
    Script,
    /// Nothing contradicts, one of the two says more: `pt-BR` for `pt`, `zh-Hant` for `zh-TW`.
    Compatible,
    /// The same.
    Exact,
}

impl Language {
    /// How well this language fits `wanted`.
    ///
    /// In the spirit of RFC 4647, 3.3.2 (extended filtering), with what that leaves open filled
    /// in: three-letter codes equal their two-letter ones, scripts that go without saying are
    /// said (`zh-TW` is `Hant`, `sr` is `Cyrl`), a country lies in its area (`es-MX` in
    /// `es-419`), and codes that name no language match only themselves. The range `*` (RFC 4647,
    /// 2.1) wants any language.
    pub fn matches(&self, wanted: &Self) -> MatchQuality {
        if wanted.primary() == "*" {
            return MatchQuality::Compatible;
        }
        if !self.is_language() || !wanted.is_language() {
            return if self.primary() == wanted.primary() && !self.primary().is_empty() {
                MatchQuality::Exact
            } else {
                MatchQuality::None
            };
        }
        if self.individual() != wanted.individual() {
            return if self.macrolanguage() == wanted.macrolanguage() {
                MatchQuality::Related
            } else {
                MatchQuality::None
            };
        }
        let script = Agreement::of(self.likely_script(), wanted.likely_script(), |_, _| false);
        if script == Agreement::Contradiction {
            return MatchQuality::Primary;
        }
        let region =
            Agreement::of(self.region(), wanted.region(), |a, b| registry::lies_in(a, b) || registry::lies_in(b, a));
        let variants = Agreement::of(stated(&self.variants), stated(&wanted.variants), |_, _| false);
        match script.min(region).min(variants) {
            Agreement::Contradiction => MatchQuality::Script,
            Agreement::Partial => MatchQuality::Compatible,
            Agreement::Full => MatchQuality::Exact,
        }
    }

    /// The language itself, where the tag may name its group: `zh-yue` and `yue` are Cantonese,
    /// `no` without more is Bokmål.
    fn individual(&self) -> &str {
        let code = self.extlang().map_or(self.primary(), |extlang| registry::canonical(extlang).0);
        if code == "no" {
            "nb"
        } else {
            code
        }
    }

    fn macrolanguage(&self) -> &str {
        match self.extlang() {
            Some(_) => self.primary(),
            None => registry::macrolanguage(self.individual()),
        }
    }

    /// The script, stated or going without saying.
    fn likely_script(&self) -> Option<&str> {
        self.script().or_else(|| registry::likely_script(self.individual(), self.region()))
    }
}

/// How what two tags say about one thing goes together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    Contradiction,
    Partial,
    Full,
}

impl Agreement {
    fn of<T: PartialEq + Copy>(a: Option<T>, b: Option<T>, goes_with: impl Fn(T, T) -> bool) -> Self {
        match (a, b) {
            (a, b) if a == b => Self::Full,
            (Some(a), Some(b)) if !goes_with(a, b) => Self::Contradiction,
            _ => Self::Partial,
        }
    }
}

fn stated(variants: &[Box<str>]) -> Option<&[Box<str>]> {
    (!variants.is_empty()).then_some(variants)
}

/// The candidate that fits best: the viewer's languages are taken in order of preference, and the
/// first for which there is any match decides (RFC 4647, 3.4); among equal matches the earlier
/// candidate wins. Candidates without a language never match.
pub fn best_match<'a>(
    candidates: impl IntoIterator<Item = Option<&'a Language>>,
    wanted: &[Language],
) -> Option<usize> {
    let candidates: Vec<_> = candidates.into_iter().collect();
    wanted.iter().find_map(|wanted| {
        let rated = candidates.iter().enumerate().filter_map(|(index, candidate)| {
            let quality = (*candidate)?.matches(wanted);
            (quality > MatchQuality::None).then_some((quality, index))
        });
        // `max_by_key` takes the last of equals, and the first is wanted.
        rated.rev().max_by_key(|(quality, _)| *quality).map(|(_, index)| index)
    })
}
