"""The variants of the media set, and what ffprobe knows of them."""

import functools
import json
import re
import subprocess
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

COMMON = ("cenc", "cens", "cbc1", "cbcs")
NAMES = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "av1": "AV1", "aac": "AAC", "mp3": "MP3", "ac3": "AC-3", "eac3": "E-AC-3"}


def probe(path, *arguments):
    command = ["ffprobe", "-v", "error", *arguments, "-of", "json", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Track:
    """One stream of a variant, as ffprobe counts it in what was packaged."""

    source: str
    kind: str
    codec: str
    samples: int
    first: float
    last: float

    @property
    def name(self):
        return NAMES[self.codec]


class Variant:
    def __init__(self, root, entry):
        self.root, self.name, self.protection = root, entry["name"], entry["protection"]
        self.manifests, self.keys, self.iv = entry["manifests"], entry["keys"], entry["iv"]
        self.clear = entry["clear"]
        self.tracks = [
            Track(t["source"], t["kind"], t["codec"], t["samples"], t["first_pts_s"], t["last_pts_s"])
            for t in entry["tracks"]
        ]

    def segments(self, track):
        """Media files of a track in order; the same ones for all tracks of a muxed variant."""
        folder = self.folder / track.source
        if not folder.is_dir():
            folder = self.folder
        media = [p for p in folder.iterdir() if re.fullmatch(r"(\d+|all)\.(m4s|mp4|ts|aac|ac3|ec3|mp3)", p.name)]
        return sorted(media, key=lambda p: int(p.stem) if p.stem.isdigit() else 0)

    def init(self, track):
        """The initialisation section of a track, if it has one of its own."""
        own = [self.folder / track.source / "init.mp4", self.folder / "init.mp4"]
        return next((p for p in own if p.exists()), None)

    def container(self, track):
        extension = self.segments(track)[0].suffix[1:]
        return {"m4s": "fMP4", "mp4": "fMP4", "ts": "MPEG-TS"}.get(extension, "packed audio")

    @functools.lru_cache(maxsize=None)
    def renditions(self, manifest):
        """Which source a rendition of a manifest is, by what reports call it: the folder that its files are in. DASH
        names its representations itself; of HLS the variants and the sound are counted as they stand."""
        text = (self.root / manifest).read_text()
        if manifest.endswith(".mpd"):
            names = {"": "urn:mpeg:dash:schema:mpd:2011"}
            return {
                r.get("id"): r.find("SegmentTemplate", names).get("media").partition("/")[0]
                for r in xml.fromstring(text).iterfind(".//Representation", names)
            }
        rungs = re.findall(r"^#EXT-X-STREAM-INF:.*\n([^/\n]+)/", text, re.M)
        sounds = re.findall(r'^#EXT-X-MEDIA:TYPE=AUDIO,.*?URI="([^/"]+)/', text, re.M)
        return {f"{kind}-{n}": s for kind, all in (("variant", rungs), ("audio", sounds)) for n, s in enumerate(all)}

    @property
    def folder(self):
        return self.root / self.name

    @property
    def is_common(self):
        return self.protection in COMMON

    @property
    def is_packagers_stream(self):
        """Transport streams and packed audio of the packager begin later than their source."""
        return all(self.container(t) != "fMP4" for t in self.tracks) and (self.folder / self.tracks[0].source).is_dir()


class Titles:
    def __init__(self, out):
        self.root = out / "set"
        self.source = out / "source"
        listed = json.loads((out / "set.json").read_text())
        self.variants = [Variant(self.root, entry) for entry in listed["variants"]]
        if not self.variants:
            raise RuntimeError(f"{out}: no variants")

    def __getitem__(self, name):
        return next(v for v in self.variants if v.name == name)

    @functools.cached_property
    def stream_start(self):
        """How much later than its source a stream of the packager begins, by ffprobe, in seconds."""
        variant = self["ts-demuxed"]
        track = variant.tracks[0]
        packets = probe(variant.segments(track)[0], "-show_entries", "packet=pts_time")["packets"]
        return min(float(p["pts_time"]) for p in packets) - track.first

    def shift(self, variant):
        """What the player's times have to be later than the source's: what is within a quarter of a second of its
        place is played where it says that it is; what is farther away begins with the playlist."""
        return self.stream_start if variant.is_packagers_stream else 0.0

    @functools.lru_cache(maxsize=None)
    def ends(self, source):
        """When each sample of a source ends, in seconds."""
        packets = probe(self.source / f"{source}.mp4", "-show_entries", "packet=pts_time,duration_time")["packets"]
        return sorted(float(p["pts_time"]) + float(p["duration_time"]) for p in packets)

    def silent(self, variant, track):
        """Samples of sound that end before anything is shown: a decoder may leave them out."""
        pictures = [t.first for t in variant.tracks if t.kind == "video"]
        shown = min(pictures, default=track.first)
        return sum(end <= shown + 0.0005 for end in self.ends(track.source)) if track.kind == "audio" else 0
