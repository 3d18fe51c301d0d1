//! The parts of the language registries that matching needs.
//!
//! Sources: ISO 639-2 code lists (three-letter codes, bibliographic ones included, that have a
//! two-letter equivalent), the IANA Language Subtag Registry (grandfathered and deprecated tags,
//! macrolanguages), Unicode CLDR (likely scripts), UN M.49 (areas).

/// Rows of a three-letter code and its two-letter equivalent, joined.
const ISO_639_2: &str = "\
aaraa abkab afraf akaak albsq amham araar argan armhy asmas avaav aveae aymay azeaz bakba bambm baqeu belbe benbn \
bihbh bisbi bodbo bosbs brebr bulbg burmy catca cescs chach chece chizh chucu chvcv corkw cosco crecr cymcy czecs \
danda deude divdv dutnl dzodz ellel engen epoeo estet euseu eweee faofo fasfa fijfj finfi frafr frefr fryfy fulff \
geoka gerde glagd glega glggl glvgv greel grngn gujgu hatht hauha hebhe herhz hinhi hmoho hrvhr hunhu hyehy iboig \
iceis idoio iiiii ikuiu ileie inaia indid ipkik islis itait javjv jpnja kalkl kankn kasks katka kaukr kazkk khmkm \
kikki kinrw kirky komkv konkg korko kuakj kurku laolo latla lavlv limli linln litlt ltzlb lublu luglg macmk mahmh \
malml maomi marmr mayms mkdmk mlgmg mltmt monmn mrimi msams myamy nauna navnv nblnr ndend ndong nepne nldnl nnonn \
nobnb norno nyany ocioc ojioj orior ormom ossos panpa perfa plipi polpl porpt pusps quequ rohrm ronro rumro runrn \
rusru sagsg sansa sinsi slksk slosk slvsl smese smosm snasn sndsd somso sotst spaes sqisq srdsc srpsr sswss sunsu \
swasw swesv tahty tamta tattt telte tgktg tgltl thath tibbo tirti tonto tsntn tsots tuktk turtr twitw uigug ukruk \
urdur uzbuz venve vievi volvo welcy wlnwa wolwo xhoxh yidyi yoryo zhaza zhozh zulzu";

/// A lower-case code in the form that this project compares, and the script that it implies.
pub(super) fn canonical(code: &str) -> (&str, Option<&'static str>) {
    let code = two_letters(code).unwrap_or(code);
    let preferred = match code {
        // Deprecated codes of ISO 639-1.
        "iw" => "he",
        "in" => "id",
        "ji" => "yi",
        "jw" => "jv",
        "mo" => "ro",
        "tl" => "fil",
        "sh" | "hbs" => return ("sr", Some("Latn")),
        // The language that is meant when its macrolanguage is named.
        "cmn" => "zh",
        "arb" => "ar",
        "pes" => "fa",
        "zsm" => "ms",
        "swh" => "sw",
        "ekk" => "et",
        "lvs" => "lv",
        "azj" => "az",
        "uzn" => "uz",
        "khk" => "mn",
        "npi" => "ne",
        "ory" => "or",
        "plt" => "mg",
        "ydd" => "yi",
        "kmr" => "ku",
        "als" => "sq",
        other => other,
    };
    (preferred, None)
}

fn two_letters(code: &str) -> Option<&'static str> {
    if code.len() != 3 {
        return None;
    }
    ISO_639_2.split(' ').find_map(|row| row.strip_prefix(code))
}

/// The modern tag for a grandfathered one, all in lower case (IANA registry, RFC 5646, 2.2.8).
pub(super) fn grandfathered(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "art-lojban" => "jbo",
        "en-gb-oed" => "en-gb-oxendict",
        "i-ami" => "ami",
        "i-bnn" => "bnn",
        "i-default" => "und",
        "i-hak" | "zh-hakka" => "hak",
        "i-klingon" => "tlh",
        "i-lux" => "lb",
        "i-navajo" => "nv",
        "i-pwn" => "pwn",
        "i-tao" => "tao",
        "i-tay" => "tay",
        "i-tsu" => "tsu",
        "no-bok" => "nb",
        "no-nyn" => "nn",
        "sgn-be-fr" => "sfb",
        "sgn-be-nl" => "vgt",
        "sgn-ch-de" => "sgg",
        "zh-guoyu" => "zh",
        "zh-min-nan" => "nan",
        "zh-xiang" => "hsn",
        _ => return None,
    })
}

/// Deprecated and exceptionally reserved regions that are met in the field.
pub(super) fn canonical_region(region: &str) -> &str {
    match region {
        "UK" => "GB",
        "BU" => "MM",
        "DD" => "DE",
        "TP" => "TL",
        "ZR" => "CD",
        other => other,
    }
}

/// The macrolanguage of a canonical code, where mixing its members up is a smaller fault than
/// giving another language; otherwise the code itself.
pub(super) fn macrolanguage(code: &str) -> &str {
    match code {
        "yue" | "nan" | "hak" | "wuu" | "hsn" | "gan" | "cdo" | "cjy" | "cpx" | "czh" | "czo" | "mnp" => "zh",
        "nb" | "nn" => "no",
        "arz" | "apc" | "acm" | "acq" | "aec" | "afb" | "ajp" | "ars" | "apd" | "ary" | "arq" | "aeb" | "ayl" => "ar",
        "prs" => "fa",
        "ckb" | "sdh" => "ku",
        "azb" => "az",
        "uzs" => "uz",
        "mvf" => "mn",
        other => other,
    }
}

/// The script in which a language is written unless its tag says otherwise; None if not known.
pub(super) fn likely_script(code: &str, region: Option<&str>) -> Option<&'static str> {
    Some(match (macrolanguage(code), region) {
        ("zh", region) => {
            let traditional = match region {
                Some(region) => matches!(region, "TW" | "HK" | "MO"),
                None => code == "yue",
            };
            if traditional {
                "Hant"
            } else {
                "Hans"
            }
        }
        ("sr", Some("ME")) => "Latn",
        ("pa" | "tg", Some("PK")) | ("az", Some("IR")) | ("uz", Some("AF")) | ("kk" | "ky", Some("CN")) => "Arab",
        ("mn", Some("CN")) => "Mong",
        ("sd", Some("IN")) => "Deva",
        ("ku" | "az" | "uz", _) if matches!(code, "ckb" | "sdh" | "azb" | "uzs") => "Arab",
        ("ar" | "fa" | "ur" | "ps" | "sd" | "ug" | "ks", _) => "Arab",
        (
            "ru" | "uk" | "be" | "bg" | "mk" | "sr" | "kk" | "ky" | "tg" | "mn" | "ba" | "tt" | "cv" | "ce" | "cu"
            | "kv" | "os" | "ab" | "av",
            _,
        ) => "Cyrl",
        ("hi" | "mr" | "ne" | "sa" | "bh", _) => "Deva",
        ("bn" | "as", _) => "Beng",
        ("he" | "yi", _) => "Hebr",
        ("am" | "ti", _) => "Ethi",
        ("bo" | "dz", _) => "Tibt",
        ("el", _) => "Grek",
        ("hy", _) => "Armn",
        ("ka", _) => "Geor",
        ("pa", _) => "Guru",
        ("gu", _) => "Gujr",
        ("or", _) => "Orya",
        ("ta", _) => "Taml",
        ("te", _) => "Telu",
        ("kn", _) => "Knda",
        ("ml", _) => "Mlym",
        ("si", _) => "Sinh",
        ("th", _) => "Thai",
        ("lo", _) => "Laoo",
        ("km", _) => "Khmr",
        ("my", _) => "Mymr",
        ("ja", _) => "Jpan",
        ("ko", _) => "Kore",
        ("dv", _) => "Thaa",
        ("iu", _) => "Cans",
        ("ii", _) => "Yiii",
        (code, _) if code.len() == 2 || code == "fil" => "Latn",
        _ => return None,
    })
}

/// Whether a country lies in an area of UN M.49: the world (001), Latin America and the Caribbean
/// (419), Europe (150). These three are the areas that titles and systems name.
pub(super) fn lies_in(country: &str, area: &str) -> bool {
    match area {
        "001" => true,
        "419" => matches!(
            country,
            "AR" | "BO"
                | "BR"
                | "BZ"
                | "CL"
                | "CO"
                | "CR"
                | "CU"
                | "DO"
                | "EC"
                | "GF"
                | "GT"
                | "GY"
                | "HN"
                | "HT"
                | "JM"
                | "MX"
                | "NI"
                | "PA"
                | "PE"
                | "PR"
                | "PY"
                | "SR"
                | "SV"
                | "TT"
                | "UY"
                | "VE"
        ),
        "150" => matches!(
            country,
            "AD" | "AL"
                | "AT"
                | "BA"
                | "BE"
                | "BG"
                | "BY"
                | "CH"
                | "CZ"
                | "DE"
                | "DK"
                | "EE"
                | "ES"
                | "FI"
                | "FO"
                | "FR"
                | "GB"
                | "GI"
                | "GR"
                | "HR"
                | "HU"
                | "IE"
                | "IS"
                | "IT"
                | "LI"
                | "LT"
                | "LU"
                | "LV"
                | "MC"
                | "MD"
                | "ME"
                | "MK"
                | "MT"
                | "NL"
                | "NO"
                | "PL"
                | "PT"
                | "RO"
                | "RS"
                | "RU"
                | "SE"
                | "SI"
                | "SK"
                | "SM"
                | "UA"
                | "VA"
        ),
        _ => false,
    }
}
