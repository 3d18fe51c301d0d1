//! Colours as CSS and TTML write them.

use telecine_model::cue::Rgba;

/// The named colours of CSS Color 4, 6.1, sorted by name.
const NAMES: &[(&str, u32)] = &[
    ("aliceblue", 0xf0f8ff),
    ("antiquewhite", 0xfaebd7),
    ("aqua", 0x00ffff),
    ("aquamarine", 0x7fffd4),
    ("azure", 0xf0ffff),
    ("beige", 0xf5f5dc),
    ("bisque", 0xffe4c4),
    ("black", 0x000000),
    ("blanchedalmond", 0xffebcd),
    ("blue", 0x0000ff),
    ("blueviolet", 0x8a2be2),
    ("brown", 0xa52a2a),
    ("burlywood", 0xdeb887),
    ("cadetblue", 0x5f9ea0),
    ("chartreuse", 0x7fff00),
    ("chocolate", 0xd2691e),
    ("coral", 0xff7f50),
    ("cornflowerblue", 0x6495ed),
    ("cornsilk", 0xfff8dc),
    ("crimson", 0xdc143c),
    ("cyan", 0x00ffff),
    ("darkblue", 0x00008b),
    ("darkcyan", 0x008b8b),
    ("darkgoldenrod", 0xb8860b),
    ("darkgray", 0xa9a9a9),
    ("darkgreen", 0x006400),
    ("darkgrey", 0xa9a9a9),
    ("darkkhaki", 0xbdb76b),
    ("darkmagenta", 0x8b008b),
    ("darkolivegreen", 0x556b2f),
    ("darkorange", 0xff8c00),
    ("darkorchid", 0x9932cc),
    ("darkred", 0x8b0000),
    ("darksalmon", 0xe9967a),
    ("darkseagreen", 0x8fbc8f),
    ("darkslateblue", 0x483d8b),
    ("darkslategray", 0x2f4f4f),
    ("darkslategrey", 0x2f4f4f),
    ("darkturquoise", 0x00ced1),
    ("darkviolet", 0x9400d3),
    ("deeppink", 0xff1493),
    ("deepskyblue", 0x00bfff),
    ("dimgray", 0x696969),
    ("dimgrey", 0x696969),
    ("dodgerblue", 0x1e90ff),
    ("firebrick", 0xb22222),
    ("floralwhite", 0xfffaf0),
    ("forestgreen", 0x228b22),
    ("fuchsia", 0xff00ff),
    ("gainsboro", 0xdcdcdc),
    ("ghostwhite", 0xf8f8ff),
    ("gold", 0xffd700),
    ("goldenrod", 0xdaa520),
    ("gray", 0x808080),
    ("green", 0x008000),
    ("greenyellow", 0xadff2f),
    ("grey", 0x808080),
    ("honeydew", 0xf0fff0),
    ("hotpink", 0xff69b4),
    ("indianred", 0xcd5c5c),
    ("indigo", 0x4b0082),
    ("ivory", 0xfffff0),
    ("khaki", 0xf0e68c),
    ("lavender", 0xe6e6fa),
    ("lavenderblush", 0xfff0f5),
    ("lawngreen", 0x7cfc00),
    ("lemonchiffon", 0xfffacd),
    ("lightblue", 0xadd8e6),
    ("lightcoral", 0xf08080),
    ("lightcyan", 0xe0ffff),
    ("lightgoldenrodyellow", 0xfafad2),
    ("lightgray", 0xd3d3d3),
    ("lightgreen", 0x90ee90),
    ("lightgrey", 0xd3d3d3),
    ("lightpink", 0xffb6c1),
    ("lightsalmon", 0xffa07a),
    ("lightseagreen", 0x20b2aa),
    ("lightskyblue", 0x87cefa),
    ("lightslategray", 0x778899),
    ("lightslategrey", 0x778899),
    ("lightsteelblue", 0xb0c4de),
    ("lightyellow", 0xffffe0),
    ("lime", 0x00ff00),
    ("limegreen", 0x32cd32),
    ("linen", 0xfaf0e6),
    ("magenta", 0xff00ff),
    ("maroon", 0x800000),
    ("mediumaquamarine", 0x66cdaa),
    ("mediumblue", 0x0000cd),
    ("mediumorchid", 0xba55d3),
    ("mediumpurple", 0x9370db),
    ("mediumseagreen", 0x3cb371),
    ("mediumslateblue", 0x7b68ee),
    ("mediumspringgreen", 0x00fa9a),
    ("mediumturquoise", 0x48d1cc),
    ("mediumvioletred", 0xc71585),
    ("midnightblue", 0x191970),
    ("mintcream", 0xf5fffa),
    ("mistyrose", 0xffe4e1),
    ("moccasin", 0xffe4b5),
    ("navajowhite", 0xffdead),
    ("navy", 0x000080),
    ("oldlace", 0xfdf5e6),
    ("olive", 0x808000),
    ("olivedrab", 0x6b8e23),
    ("orange", 0xffa500),
    ("orangered", 0xff4500),
    ("orchid", 0xda70d6),
    ("palegoldenrod", 0xeee8aa),
    ("palegreen", 0x98fb98),
    ("paleturquoise", 0xafeeee),
    ("palevioletred", 0xdb7093),
    ("papayawhip", 0xffefd5),
    ("peachpuff", 0xffdab9),
    ("peru", 0xcd853f),
    ("pink", 0xffc0cb),
    ("plum", 0xdda0dd),
    ("powderblue", 0xb0e0e6),
    ("purple", 0x800080),
    ("rebeccapurple", 0x663399),
    ("red", 0xff0000),
    ("rosybrown", 0xbc8f8f),
    ("royalblue", 0x4169e1),
    ("saddlebrown", 0x8b4513),
    ("salmon", 0xfa8072),
    ("sandybrown", 0xf4a460),
    ("seagreen", 0x2e8b57),
    ("seashell", 0xfff5ee),
    ("sienna", 0xa0522d),
    ("silver", 0xc0c0c0),
    ("skyblue", 0x87ceeb),
    ("slateblue", 0x6a5acd),
    ("slategray", 0x708090),
    ("slategrey", 0x708090),
    ("snow", 0xfffafa),
    ("springgreen", 0x00ff7f),
    ("steelblue", 0x4682b4),
    ("tan", 0xd2b48c),
    ("teal", 0x008080),
    ("thistle", 0xd8bfd8),
    ("tomato", 0xff6347),
    ("turquoise", 0x40e0d0),
    ("violet", 0xee82ee),
    ("wheat", 0xf5deb3),
    ("white", 0xffffff),
    ("whitesmoke", 0xf5f5f5),
    ("yellow", 0xffff00),
    ("yellowgreen", 0x9acd32),
];

/// A colour: a name, `#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa`, `rgb()`, `rgba()`. None if it is none of
/// these.
pub(crate) fn parse(text: &str) -> Option<Rgba> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix('#') {
        return hex(digits);
    }
    if let Some((function, arguments)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let function = function.trim();
        return (function.eq_ignore_ascii_case("rgb") || function.eq_ignore_ascii_case("rgba"))
            .then(|| components(arguments))?;
    }
    if text.eq_ignore_ascii_case("transparent") {
        return Some(Rgba::TRANSPARENT);
    }
    let name = text.to_ascii_lowercase();
    let at = NAMES.binary_search_by(|(known, _)| (*known).cmp(&name)).ok()?;
    let [_, r, g, b] = NAMES.get(at)?.1.to_be_bytes();
    Some(Rgba::rgb(r, g, b))
}

fn hex(digits: &str) -> Option<Rgba> {
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    // Each digit twice.
    let twice = |shift: u32| ((value >> shift & 15) * 17) as u8;
    Some(match digits.len() {
        3 => Rgba::rgb(twice(8), twice(4), twice(0)),
        4 => Rgba { r: twice(12), g: twice(8), b: twice(4), a: twice(0) },
        6 => {
            let [_, r, g, b] = value.to_be_bytes();
            Rgba::rgb(r, g, b)
        }
        8 => {
            let [r, g, b, a] = value.to_be_bytes();
            Rgba { r, g, b, a }
        }
        _ => return None,
    })
}

/// Three or four components, separated by commas, or by spaces with a slash before the opacity.
/// CSS writes the opacity from 0 to 1 or in percent, TTML from 0 to 255 (TTML2, 8.3.2): a whole number
/// above 1 is taken for the latter.
fn components(text: &str) -> Option<Rgba> {
    let mut parts = text.split([',', '/', ' ', '\t', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let mut channel = || {
        let part = parts.next()?;
        match part.strip_suffix('%') {
            Some(share) => number(share).map(|share| byte(share * 255.0 / 100.0)),
            None => number(part).map(byte),
        }
    };
    let (r, g, b) = (channel()?, channel()?, channel()?);
    let a = match parts.next() {
        None => u8::MAX,
        Some(part) => match part.strip_suffix('%') {
            Some(share) => byte(number(share)? * 255.0 / 100.0),
            None => match number(part)? {
                alpha if alpha > 1.0 => byte(alpha),
                alpha => byte(alpha * 255.0),
            },
        },
    };
    parts.next().is_none().then_some(Rgba { r, g, b, a })
}

fn number(text: &str) -> Option<f64> {
    // Nothing but digits, sign and point: no "inf", no "nan".
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    text.parse().ok().filter(|_| plain)
}

/// Clamped to a byte: float-to-integer casts saturate.
fn byte(value: f64) -> u8 {
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_so_that_they_are_found() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, value) in NAMES {
            let [_, r, g, b] = value.to_be_bytes();
            assert_eq!(parse(&name.to_uppercase()), Some(Rgba::rgb(r, g, b)), "{name}");
        }
    }

    #[test]
    fn every_notation_gives_its_colour() {
        let half = Rgba { r: 255, g: 0, b: 128, a: 128 };
        for text in [
            "#ff008080",
            "rgba(255,0,128,0.5)",
            "rgba(255, 0, 128, 50%)",
            "rgb(100% 0 128 / .502)",
            "RGBA( 255, 0, 128, 128 )",
        ] {
            assert_eq!(parse(text), Some(half), "{text}");
        }
        assert_eq!(parse("#f08"), Some(Rgba::rgb(255, 0, 136)));
        assert_eq!(parse("#f088"), Some(Rgba { r: 255, g: 0, b: 136, a: 136 }));
        assert_eq!(parse(" transparent "), Some(Rgba::TRANSPARENT));
        assert_eq!(parse("rgb(300,-1,0)"), Some(Rgba::RED));
    }

    #[test]
    fn what_is_no_colour_gives_none() {
        for text in [
            "",
            "#",
            "#12",
            "#12345",
            "#gggggg",
            "#+12345",
            "rgb(1,2)",
            "rgb(1,2,3,4,5)",
            "rgb(inf,0,0)",
            "hsl(1,2,3)",
            "nocolour",
            "rgb(1,2,3",
            "é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
