"""Just enough ISO-BMFF: read a box tree, write a CMAF track file.

The fragments are written here and not by ffmpeg because the title needs exact
things that its options cannot all say at once: AAC segments cut at given
frames, no edit list, signed composition offsets, no index boxes, no duration
in the header (an origin may loop the title for ever).
"""

import struct
from dataclasses import dataclass

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"edts"}

UNITY_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

# sample_depends_on = 2 (on nothing); and = 1 with sample_is_non_sync_sample.
SYNC_SAMPLE = 0x02000000
DELTA_SAMPLE = 0x01010000

TFHD_DEFAULT_DURATION = 0x000008
TFHD_DEFAULT_FLAGS = 0x000020
TFHD_BASE_IS_MOOF = 0x020000
TRUN_DATA_OFFSET = 0x000001
TRUN_FIRST_FLAGS = 0x000004
TRUN_SIZES = 0x000200
TRUN_OFFSETS = 0x000800


@dataclass(frozen=True)
class Sample:
    data: bytes
    offset: int = 0  # composition minus decode time, may be negative


@dataclass(frozen=True)
class Track:
    handler: bytes  # b"vide" or b"soun"
    timescale: int
    sample_ticks: int
    language: str
    stsd: bytes  # the whole sample description box
    width: int = 0
    height: int = 0

    @property
    def is_video(self):
        return self.handler == b"vide"


# Reading


def walk(data, start=0, end=None, path=()):
    """Every box as (path, payload start, end), parents before children."""
    end = len(data) if end is None else end
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            size, header = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            raise ValueError(f"box {kind!r} at {start} does not fit its parent")
        here = path + (kind,)
        yield here, start + header, start + size
        if kind in CONTAINERS:
            yield from walk(data, start + header, start + size, here)
        start += size


def find(data, name):
    """The whole first box of that name, header included."""
    for path, start, end in walk(data):
        if path[-1] == name:
            return data[start - 8 : end]
    raise ValueError(f"no {name!r} box")


def codec_string(stsd):
    """RFC 6381 name of the only sample entry of a description box."""
    entry = stsd[20:24]
    if entry == b"avc1":
        at = stsd.index(b"avcC") + 4
        return "avc1." + stsd[at + 1 : at + 4].hex()
    if entry == b"mp4a":
        return f"mp4a.40.{audio_object_type(stsd)}"
    raise ValueError(f"sample entry {entry!r}")


def audio_object_type(stsd):
    """From the AudioSpecificConfig, which follows the descriptor of tag 5."""
    at = stsd.index(b"esds") + 8
    # ES descriptor and decoder configuration have fixed sizes before their children.
    at = skip_descriptor_header(stsd, at, 3) + 3
    at = skip_descriptor_header(stsd, at, 4) + 13
    at = skip_descriptor_header(stsd, at, 5)
    return stsd[at] >> 3


def skip_descriptor_header(data, at, tag):
    if data[at] != tag:
        raise ValueError(f"descriptor {data[at]} where {tag} is due")
    at += 1
    while data[at] & 0x80:
        at += 1
    return at + 1


# Writing


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def init_segment(track):
    ftyp = box(b"ftyp", b"cmf2", struct.pack(">I", 0), b"iso6", b"cmfc", b"cmf2", b"mp41")
    return ftyp + box(b"moov", movie_header(track), trak(track), mvex())


def movie_header(track):
    return full_box(
        b"mvhd", 0, 0,
        struct.pack(">4I", 0, 0, track.timescale, 0),
        struct.pack(">IH", 0x10000, 0x0100), bytes(10),
        UNITY_MATRIX, bytes(24), struct.pack(">I", 2),
    )


def trak(track):
    media_header = vmhd() if track.is_video else smhd()
    information = box(b"minf", media_header, data_information(), sample_table(track.stsd))
    return box(b"trak", tkhd(track), box(b"mdia", mdhd(track), hdlr(track), information))


def tkhd(track):
    enabled_in_movie = 3
    return full_box(
        b"tkhd", 0, enabled_in_movie,
        struct.pack(">5I", 0, 0, 1, 0, 0), bytes(8),
        struct.pack(">4H", 0, 0, 0 if track.is_video else 0x0100, 0),
        UNITY_MATRIX, struct.pack(">2I", track.width << 16, track.height << 16),
    )


def mdhd(track):
    return full_box(
        b"mdhd", 0, 0,
        struct.pack(">4I2H", 0, 0, track.timescale, 0, packed_language(track.language), 0),
    )


def packed_language(code):
    first, second, third = (ord(letter) - 0x60 for letter in code)
    return first << 10 | second << 5 | third


def hdlr(track):
    name = b"Video\0" if track.is_video else b"Sound\0"
    return full_box(b"hdlr", 0, 0, bytes(4), track.handler, bytes(12), name)


def vmhd():
    return full_box(b"vmhd", 0, 1, bytes(8))


def smhd():
    return full_box(b"smhd", 0, 0, bytes(4))


def data_information():
    in_this_file = full_box(b"url ", 0, 1)
    return box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), in_this_file))


def sample_table(stsd):
    no_entries = bytes(4)
    return box(
        b"stbl", stsd,
        full_box(b"stts", 0, 0, no_entries),
        full_box(b"stsc", 0, 0, no_entries),
        full_box(b"stsz", 0, 0, bytes(4), no_entries),
        full_box(b"stco", 0, 0, no_entries),
    )


def mvex():
    return box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0)))


def fragment(track, number, decode_time, samples):
    """One moof and its mdat. `number` counts from 1."""
    media = b"".join(sample.data for sample in samples)
    # The run points behind the moof, whose size does not depend on the pointer.
    size = len(moof(track, number, decode_time, samples, 0))
    return moof(track, number, decode_time, samples, size + 8) + box(b"mdat", media)


def moof(track, number, decode_time, samples, data_offset):
    traf = box(
        b"traf", tfhd(track),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", decode_time)),
        trun(track, samples, data_offset),
    )
    return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number)), traf)


def tfhd(track):
    flags = TFHD_BASE_IS_MOOF | TFHD_DEFAULT_DURATION | TFHD_DEFAULT_FLAGS
    default = DELTA_SAMPLE if track.is_video else SYNC_SAMPLE
    return full_box(b"tfhd", 0, flags, struct.pack(">3I", 1, track.sample_ticks, default))


def trun(track, samples, data_offset):
    flags = TRUN_DATA_OFFSET | TRUN_SIZES
    head = struct.pack(">Ii", len(samples), data_offset)
    if track.is_video:
        flags |= TRUN_FIRST_FLAGS | TRUN_OFFSETS
        head += struct.pack(">I", SYNC_SAMPLE)
        table = b"".join(struct.pack(">Ii", len(s.data), s.offset) for s in samples)
    else:
        table = b"".join(struct.pack(">I", len(s.data)) for s in samples)
    # Version 1 makes the composition offsets signed.
    return full_box(b"trun", 1, flags, head, table)
