//! Character references as HTML knows them (HTML, 13.2.5.72 to 80), as far as subtitles use them: all
//! numeric ones, and by name those of HTML 4, of Latin Extended-A and of music.

/// Names, their characters, and whether HTML takes them without a semicolon. Sorted by name.
#[rustfmt::skip]
const NAMES: &[(&str, char, bool)] = &[
    ("AElig", '\u{c6}', true), ("AMP", '\u{26}', true), ("Aacute", '\u{c1}', true), ("Abreve", '\u{102}', false),
    ("Acirc", '\u{c2}', true), ("Agrave", '\u{c0}', true), ("Alpha", '\u{391}', false), ("Amacr", '\u{100}', false),
    ("Aogon", '\u{104}', false), ("Aring", '\u{c5}', true), ("Atilde", '\u{c3}', true), ("Auml", '\u{c4}', true),
    ("Beta", '\u{392}', false), ("COPY", '\u{a9}', true), ("Cacute", '\u{106}', false), ("Ccaron", '\u{10c}', false),
    ("Ccedil", '\u{c7}', true), ("Ccirc", '\u{108}', false), ("Cdot", '\u{10a}', false), ("Chi", '\u{3a7}', false),
    ("Dagger", '\u{2021}', false), ("Dcaron", '\u{10e}', false), ("Delta", '\u{394}', false),
    ("Dstrok", '\u{110}', false), ("ENG", '\u{14a}', false), ("ETH", '\u{d0}', true), ("Eacute", '\u{c9}', true),
    ("Ecaron", '\u{11a}', false), ("Ecirc", '\u{ca}', true), ("Edot", '\u{116}', false), ("Egrave", '\u{c8}', true),
    ("Emacr", '\u{112}', false), ("Eogon", '\u{118}', false), ("Epsilon", '\u{395}', false),
    ("Eta", '\u{397}', false), ("Euml", '\u{cb}', true), ("GT", '\u{3e}', true), ("Gamma", '\u{393}', false),
    ("Gbreve", '\u{11e}', false), ("Gcedil", '\u{122}', false), ("Gcirc", '\u{11c}', false),
    ("Gdot", '\u{120}', false), ("Hcirc", '\u{124}', false), ("Hstrok", '\u{126}', false),
    ("IJlig", '\u{132}', false), ("Iacute", '\u{cd}', true), ("Icirc", '\u{ce}', true), ("Idot", '\u{130}', false),
    ("Igrave", '\u{cc}', true), ("Imacr", '\u{12a}', false), ("Iogon", '\u{12e}', false), ("Iota", '\u{399}', false),
    ("Itilde", '\u{128}', false), ("Iuml", '\u{cf}', true), ("Jcirc", '\u{134}', false), ("Kappa", '\u{39a}', false),
    ("Kcedil", '\u{136}', false), ("LT", '\u{3c}', true), ("Lacute", '\u{139}', false), ("Lambda", '\u{39b}', false),
    ("Lcaron", '\u{13d}', false), ("Lcedil", '\u{13b}', false), ("Lmidot", '\u{13f}', false),
    ("Lstrok", '\u{141}', false), ("Mu", '\u{39c}', false), ("Nacute", '\u{143}', false),
    ("Ncaron", '\u{147}', false), ("Ncedil", '\u{145}', false), ("Ntilde", '\u{d1}', true), ("Nu", '\u{39d}', false),
    ("OElig", '\u{152}', false), ("Oacute", '\u{d3}', true), ("Ocirc", '\u{d4}', true), ("Odblac", '\u{150}', false),
    ("Ograve", '\u{d2}', true), ("Omacr", '\u{14c}', false), ("Omega", '\u{3a9}', false),
    ("Omicron", '\u{39f}', false), ("Oslash", '\u{d8}', true), ("Otilde", '\u{d5}', true), ("Ouml", '\u{d6}', true),
    ("Phi", '\u{3a6}', false), ("Pi", '\u{3a0}', false), ("Prime", '\u{2033}', false), ("Psi", '\u{3a8}', false),
    ("QUOT", '\u{22}', true), ("REG", '\u{ae}', true), ("Racute", '\u{154}', false), ("Rcaron", '\u{158}', false),
    ("Rcedil", '\u{156}', false), ("Rho", '\u{3a1}', false), ("Sacute", '\u{15a}', false),
    ("Scaron", '\u{160}', false), ("Scedil", '\u{15e}', false), ("Scirc", '\u{15c}', false),
    ("Sigma", '\u{3a3}', false), ("THORN", '\u{de}', true), ("Tau", '\u{3a4}', false), ("Tcaron", '\u{164}', false),
    ("Tcedil", '\u{162}', false), ("Theta", '\u{398}', false), ("Tstrok", '\u{166}', false),
    ("Uacute", '\u{da}', true), ("Ubreve", '\u{16c}', false), ("Ucirc", '\u{db}', true), ("Udblac", '\u{170}', false),
    ("Ugrave", '\u{d9}', true), ("Umacr", '\u{16a}', false), ("Uogon", '\u{172}', false),
    ("Upsilon", '\u{3a5}', false), ("Uring", '\u{16e}', false), ("Utilde", '\u{168}', false),
    ("Uuml", '\u{dc}', true), ("Wcirc", '\u{174}', false), ("Xi", '\u{39e}', false), ("Yacute", '\u{dd}', true),
    ("Ycirc", '\u{176}', false), ("Yuml", '\u{178}', false), ("Zacute", '\u{179}', false),
    ("Zcaron", '\u{17d}', false), ("Zdot", '\u{17b}', false), ("Zeta", '\u{396}', false), ("aacute", '\u{e1}', true),
    ("abreve", '\u{103}', false), ("acirc", '\u{e2}', true), ("acute", '\u{b4}', true), ("aelig", '\u{e6}', true),
    ("agrave", '\u{e0}', true), ("alefsym", '\u{2135}', false), ("alpha", '\u{3b1}', false),
    ("amacr", '\u{101}', false), ("amp", '\u{26}', true), ("and", '\u{2227}', false), ("ang", '\u{2220}', false),
    ("aogon", '\u{105}', false), ("apos", '\u{27}', false), ("aring", '\u{e5}', true), ("asymp", '\u{2248}', false),
    ("atilde", '\u{e3}', true), ("auml", '\u{e4}', true), ("bdquo", '\u{201e}', false), ("beta", '\u{3b2}', false),
    ("brvbar", '\u{a6}', true), ("bull", '\u{2022}', false), ("cacute", '\u{107}', false), ("cap", '\u{2229}', false),
    ("ccaron", '\u{10d}', false), ("ccedil", '\u{e7}', true), ("ccirc", '\u{109}', false), ("cdot", '\u{10b}', false),
    ("cedil", '\u{b8}', true), ("cent", '\u{a2}', true), ("chi", '\u{3c7}', false), ("circ", '\u{2c6}', false),
    ("clubs", '\u{2663}', false), ("cong", '\u{2245}', false), ("copy", '\u{a9}', true), ("crarr", '\u{21b5}', false),
    ("cup", '\u{222a}', false), ("curren", '\u{a4}', true), ("dArr", '\u{21d3}', false),
    ("dagger", '\u{2020}', false), ("darr", '\u{2193}', false), ("dcaron", '\u{10f}', false), ("deg", '\u{b0}', true),
    ("delta", '\u{3b4}', false), ("diams", '\u{2666}', false), ("divide", '\u{f7}', true),
    ("dstrok", '\u{111}', false), ("eacute", '\u{e9}', true), ("ecaron", '\u{11b}', false), ("ecirc", '\u{ea}', true),
    ("edot", '\u{117}', false), ("egrave", '\u{e8}', true), ("emacr", '\u{113}', false), ("empty", '\u{2205}', false),
    ("emsp", '\u{2003}', false), ("eng", '\u{14b}', false), ("ensp", '\u{2002}', false), ("eogon", '\u{119}', false),
    ("epsilon", '\u{3b5}', false), ("equiv", '\u{2261}', false), ("eta", '\u{3b7}', false), ("eth", '\u{f0}', true),
    ("euml", '\u{eb}', true), ("euro", '\u{20ac}', false), ("exist", '\u{2203}', false), ("flat", '\u{266d}', false),
    ("fnof", '\u{192}', false), ("forall", '\u{2200}', false), ("frac12", '\u{bd}', true), ("frac14", '\u{bc}', true),
    ("frac34", '\u{be}', true), ("frasl", '\u{2044}', false), ("gamma", '\u{3b3}', false),
    ("gbreve", '\u{11f}', false), ("gcirc", '\u{11d}', false), ("gdot", '\u{121}', false), ("ge", '\u{2265}', false),
    ("gt", '\u{3e}', true), ("hArr", '\u{21d4}', false), ("harr", '\u{2194}', false), ("hcirc", '\u{125}', false),
    ("hearts", '\u{2665}', false), ("hellip", '\u{2026}', false), ("hstrok", '\u{127}', false),
    ("iacute", '\u{ed}', true), ("icirc", '\u{ee}', true), ("iexcl", '\u{a1}', true), ("igrave", '\u{ec}', true),
    ("ijlig", '\u{133}', false), ("imacr", '\u{12b}', false), ("image", '\u{2111}', false),
    ("imath", '\u{131}', false), ("infin", '\u{221e}', false), ("inodot", '\u{131}', false),
    ("int", '\u{222b}', false), ("iogon", '\u{12f}', false), ("iota", '\u{3b9}', false), ("iquest", '\u{bf}', true),
    ("isin", '\u{2208}', false), ("itilde", '\u{129}', false), ("iuml", '\u{ef}', true), ("jcirc", '\u{135}', false),
    ("kappa", '\u{3ba}', false), ("kcedil", '\u{137}', false), ("kgreen", '\u{138}', false),
    ("lArr", '\u{21d0}', false), ("lacute", '\u{13a}', false), ("lambda", '\u{3bb}', false),
    ("lang", '\u{27e8}', false), ("laquo", '\u{ab}', true), ("larr", '\u{2190}', false), ("lcaron", '\u{13e}', false),
    ("lcedil", '\u{13c}', false), ("lceil", '\u{2308}', false), ("ldquo", '\u{201c}', false),
    ("le", '\u{2264}', false), ("lfloor", '\u{230a}', false), ("lmidot", '\u{140}', false),
    ("lowast", '\u{2217}', false), ("loz", '\u{25ca}', false), ("lrm", '\u{200e}', false),
    ("lsaquo", '\u{2039}', false), ("lsquo", '\u{2018}', false), ("lstrok", '\u{142}', false), ("lt", '\u{3c}', true),
    ("macr", '\u{af}', true), ("mdash", '\u{2014}', false), ("micro", '\u{b5}', true), ("middot", '\u{b7}', true),
    ("minus", '\u{2212}', false), ("mu", '\u{3bc}', false), ("nabla", '\u{2207}', false),
    ("nacute", '\u{144}', false), ("napos", '\u{149}', false), ("natur", '\u{266e}', false),
    ("natural", '\u{266e}', false), ("nbsp", '\u{a0}', true), ("ncaron", '\u{148}', false),
    ("ncedil", '\u{146}', false), ("ndash", '\u{2013}', false), ("ne", '\u{2260}', false), ("ni", '\u{220b}', false),
    ("not", '\u{ac}', true), ("notin", '\u{2209}', false), ("nsub", '\u{2284}', false), ("ntilde", '\u{f1}', true),
    ("nu", '\u{3bd}', false), ("oacute", '\u{f3}', true), ("ocirc", '\u{f4}', true), ("odblac", '\u{151}', false),
    ("oelig", '\u{153}', false), ("ograve", '\u{f2}', true), ("oline", '\u{203e}', false),
    ("omacr", '\u{14d}', false), ("omega", '\u{3c9}', false), ("omicron", '\u{3bf}', false),
    ("oplus", '\u{2295}', false), ("or", '\u{2228}', false), ("ordf", '\u{aa}', true), ("ordm", '\u{ba}', true),
    ("oslash", '\u{f8}', true), ("otilde", '\u{f5}', true), ("otimes", '\u{2297}', false), ("ouml", '\u{f6}', true),
    ("para", '\u{b6}', true), ("part", '\u{2202}', false), ("permil", '\u{2030}', false), ("perp", '\u{22a5}', false),
    ("phi", '\u{3c6}', false), ("pi", '\u{3c0}', false), ("piv", '\u{3d6}', false), ("plusmn", '\u{b1}', true),
    ("pound", '\u{a3}', true), ("prime", '\u{2032}', false), ("prod", '\u{220f}', false), ("prop", '\u{221d}', false),
    ("psi", '\u{3c8}', false), ("quot", '\u{22}', true), ("rArr", '\u{21d2}', false), ("racute", '\u{155}', false),
    ("radic", '\u{221a}', false), ("rang", '\u{27e9}', false), ("raquo", '\u{bb}', true), ("rarr", '\u{2192}', false),
    ("rcaron", '\u{159}', false), ("rcedil", '\u{157}', false), ("rceil", '\u{2309}', false),
    ("rdquo", '\u{201d}', false), ("real", '\u{211c}', false), ("reg", '\u{ae}', true), ("rfloor", '\u{230b}', false),
    ("rho", '\u{3c1}', false), ("rlm", '\u{200f}', false), ("rsaquo", '\u{203a}', false),
    ("rsquo", '\u{2019}', false), ("sacute", '\u{15b}', false), ("sbquo", '\u{201a}', false),
    ("scaron", '\u{161}', false), ("scedil", '\u{15f}', false), ("scirc", '\u{15d}', false),
    ("sdot", '\u{22c5}', false), ("sect", '\u{a7}', true), ("sharp", '\u{266f}', false), ("shy", '\u{ad}', true),
    ("sigma", '\u{3c3}', false), ("sigmaf", '\u{3c2}', false), ("sim", '\u{223c}', false),
    ("spades", '\u{2660}', false), ("sub", '\u{2282}', false), ("sube", '\u{2286}', false),
    ("sum", '\u{2211}', false), ("sung", '\u{266a}', false), ("sup", '\u{2283}', false), ("sup1", '\u{b9}', true),
    ("sup2", '\u{b2}', true), ("sup3", '\u{b3}', true), ("supe", '\u{2287}', false), ("szlig", '\u{df}', true),
    ("tau", '\u{3c4}', false), ("tcaron", '\u{165}', false), ("tcedil", '\u{163}', false),
    ("there4", '\u{2234}', false), ("theta", '\u{3b8}', false), ("thetasym", '\u{3d1}', false),
    ("thinsp", '\u{2009}', false), ("thorn", '\u{fe}', true), ("tilde", '\u{2dc}', false), ("times", '\u{d7}', true),
    ("trade", '\u{2122}', false), ("tstrok", '\u{167}', false), ("uArr", '\u{21d1}', false),
    ("uacute", '\u{fa}', true), ("uarr", '\u{2191}', false), ("ubreve", '\u{16d}', false), ("ucirc", '\u{fb}', true),
    ("udblac", '\u{171}', false), ("ugrave", '\u{f9}', true), ("umacr", '\u{16b}', false), ("uml", '\u{a8}', true),
    ("uogon", '\u{173}', false), ("upsih", '\u{3d2}', false), ("upsilon", '\u{3c5}', false),
    ("uring", '\u{16f}', false), ("utilde", '\u{169}', false), ("uuml", '\u{fc}', true), ("wcirc", '\u{175}', false),
    ("weierp", '\u{2118}', false), ("xi", '\u{3be}', false), ("yacute", '\u{fd}', true), ("ycirc", '\u{177}', false),
    ("yen", '\u{a5}', true), ("yuml", '\u{ff}', true), ("zacute", '\u{17a}', false), ("zcaron", '\u{17e}', false),
    ("zdot", '\u{17c}', false), ("zeta", '\u{3b6}', false), ("zwj", '\u{200d}', false), ("zwnj", '\u{200c}', false),
];

/// The longest name that HTML takes without a semicolon.
const LONGEST_BARE: usize = 6;
/// The longest name of all.
const LONGEST: usize = 8;

/// Consumes a reference from the start of a text, behind its `&`: the character and what follows. None
/// if it is none, and the `&` stands for itself.
pub(crate) fn consume(text: &str) -> Option<(char, &str)> {
    match text.strip_prefix('#') {
        Some(number) => numeric(number),
        None => named(text),
    }
}

fn named(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(LONGEST + 1).take_while(u8::is_ascii_alphanumeric).count();
    let look_up = |name: &str| {
        let at = NAMES.binary_search_by(|(known, ..)| (*known).cmp(name)).ok()?;
        NAMES.get(at)
    };
    // Both are ASCII up to `end`, so slices are at character boundaries.
    let name = text.get(..end)?;
    if let (Some((_, char, _)), Some(rest)) = (look_up(name), text.get(end..)?.strip_prefix(';')) {
        return Some((*char, rest));
    }
    (1..=end.min(LONGEST_BARE)).rev().find_map(|length| {
        let (name, rest) = text.split_at_checked(length)?;
        look_up(name).filter(|(.., bare)| *bare).map(|(_, char, _)| (*char, rest))
    })
}

fn numeric(text: &str) -> Option<(char, &str)> {
    let (digits, radix) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let end = digits.find(|char: char| !char.is_digit(radix)).unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    if number.is_empty() {
        return None;
    }
    let rest = rest.strip_prefix(';').unwrap_or(rest);
    // Too large for 32 bits is too large for a character.
    Some((character(u32::from_str_radix(number, radix).unwrap_or(u32::MAX)), rest))
}

/// The character of a number, as HTML mends what is none.
fn character(number: u32) -> char {
    /// Windows-1252 from 0x80 to 0x9f; zero where it has nothing.
    const WINDOWS: [u16; 32] = [
        0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d,
        0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,
        0x017e, 0x0178,
    ];
    let windows = number.checked_sub(0x80).and_then(|at| WINDOWS.get(at as usize)).filter(|char| **char != 0);
    let number = windows.map_or(number, |char| u32::from(*char));
    char::from_u32(number).filter(|char| *char != '\0').unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_no_longer_than_stated() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(NAMES.iter().map(|(name, ..)| name.len()).max(), Some(LONGEST));
        assert_eq!(NAMES.iter().filter(|(.., bare)| *bare).map(|(name, ..)| name.len()).max(), Some(LONGEST_BARE));
    }

    #[test]
    fn references_are_consumed_as_html_does() {
        for (text, expected) in [
            ("amp;x", Some(('&', "x"))),
            ("ampx", Some(('&', "x"))),
            ("notin;", Some(('∉', ""))),
            ("notit;", Some(('¬', "it;"))),
            ("lrm;", Some(('\u{200e}', ""))),
            ("lrm", None),
            ("nosuchname;", None),
            (" amp;", None),
            ("", None),
            ("#65;", Some(('A', ""))),
            ("#x1F600z", Some(('😀', "z"))),
            ("#0;", Some(('\u{fffd}', ""))),
            ("#128;", Some(('€', ""))),
            ("#129;", Some(('\u{81}', ""))),
            ("#xd800;", Some(('\u{fffd}', ""))),
            ("#99999999999999;", Some(('\u{fffd}', ""))),
            ("#x;", None),
            ("#;", None),
            ("é;", None),
            ("eacuteé", Some(('é', "é"))),
        ] {
            assert_eq!(consume(text), expected, "{text}");
        }
    }
}
