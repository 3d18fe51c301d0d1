//! What codec strings state beside the sample entry.

/// The facts of one entry, by the grammar that its sample entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecDetails {
    /// `avc1.PPCCLL` (RFC 6381, 3.3; ISO/IEC 14496-15, E.2).
    Avc(Avc),
    /// `hvc1.P.C.TL.B…` (ISO/IEC 14496-15, E.3).
    Hevc(Hevc),
    /// `dvh1.PP.LL` (Dolby Vision Streams within the ISO Base Media File Format, 4).
    DolbyVision(DolbyVision),
    /// `vp09.PP.LL.DD…`, `vp08.…` (VP Codec ISO Media File Format Binding).
    Vp(Vp),
    /// `av01.P.LLT.DD…` (AV1 Codec ISO Media File Format Binding, 5).
    Av1(Av1),
    /// `mp4a.OO.A` (RFC 6381, 3.3; object types of mp4ra.org).
    Mp4a(Mp4a),
    /// `ac-4.BB.VV.MM` (ETSI TS 103 190-2, E.13).
    Ac4(Ac4),
    /// `stpp.ttml.PPPP` (W3C TTML Media Type Definition and Profile Registry).
    Stpp(Stpp),
}

/// H.264 profile and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avc {
    /// `profile_idc`: 66 Baseline, 77 Main, 100 High…
    pub profile: u8,
    /// The constraint flags byte between profile and level; 0 in the old decimal form.
    pub constraints: u8,
    /// `level_idc`, ten times the level: 31 is level 3.1.
    pub level: u8,
}

/// H.265 profile, tier and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hevc {
    /// `general_profile_space`: 0 none, 1 to 3 for the letters A to C.
    pub profile_space: u8,
    /// `general_profile_idc`: 1 Main, 2 Main 10…
    pub profile_idc: u8,
    /// `general_profile_compatibility_flags` as written: bit n is flag n.
    pub compat: u32,
    /// `general_tier_flag`.
    pub tier: Tier,
    /// `general_level_idc`, thirty times the level: 93 is level 3.1.
    pub level: u8,
    /// The six constraint bytes; those left out are zero.
    pub constraints: [u8; 6],
}

/// Tier of H.265 and AV1 levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// For most applications (`L`, `M`).
    Main,
    /// Higher bitrates at the same level (`H`).
    High,
}

/// Dolby Vision profile and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DolbyVision {
    /// Profile: 5 and 8 over HEVC, 9 over AVC, 10 over AV1…
    pub profile: u8,
    /// Level: 1 (1280×720 at 24) to 13.
    pub level: u8,
}

/// VP8 and VP9 stream parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vp {
    /// Profile, 0 to 3.
    pub profile: u8,
    /// Ten times the level: 41 is level 4.1.
    pub level: u8,
    /// Bits a sample: 8, 10 or 12.
    pub bit_depth: u8,
    /// Chroma subsampling: 0 and 1 are 4:2:0, 2 is 4:2:2, 3 is 4:4:4. Default 1.
    pub chroma: u8,
    /// Colour description.
    pub colour: Colour,
}

/// AV1 stream parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Av1 {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx`: 4 is level 3.0, 31 is no limit.
    pub level: u8,
    /// `seq_tier`.
    pub tier: Tier,
    /// Bits a sample: 8, 10 or 12.
    pub bit_depth: u8,
    /// Without chroma. Default false.
    pub monochrome: bool,
    /// Three digits: subsampling in x, in y, and position of the chroma samples. Default 110.
    pub chroma: u16,
    /// Colour description.
    pub colour: Colour,
}

/// Code points of ITU-T H.273 (ISO/IEC 23091-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// `ColourPrimaries`: 1 BT.709, 9 BT.2020.
    pub primaries: u8,
    /// `TransferCharacteristics`: 1 BT.709, 16 PQ, 18 HLG.
    pub transfer: u8,
    /// `MatrixCoefficients`.
    pub matrix: u8,
    /// `VideoFullRangeFlag`.
    pub full_range: bool,
}

impl Default for Colour {
    /// BT.709 in studio range: what the VP9 and AV1 bindings say of omitted fields.
    fn default() -> Self {
        Self { primaries: 1, transfer: 1, matrix: 1, full_range: false }
    }
}

/// MPEG-4 audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mp4a {
    /// `objectTypeIndication`: 0x40 MPEG-4, 0x66 to 0x68 MPEG-2 AAC, 0x69 and 0x6B MP3.
    pub object_type: u8,
    /// Audio object type of MPEG-4: 2 AAC-LC, 5 HE-AAC, 29 HE-AAC v2, 42 xHE-AAC.
    pub audio_object_type: Option<u8>,
}

/// AC-4 stream parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ac4 {
    /// `bitstream_version`.
    pub bitstream_version: u8,
    /// `presentation_version`.
    pub presentation_version: u8,
    /// `mdcompat`: what a decoder must be able to do, 0 to 7.
    pub compatibility: u8,
}

/// TTML profiles of a subtitle track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stpp {
    /// The document may need the IMSC text profile (`im1t`, `im2t`) or another text profile.
    pub text: bool,
    /// The document may need the IMSC image profile (`im1i`, `im2i`): subtitles are pictures.
    pub image: bool,
}
