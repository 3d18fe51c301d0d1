"""`telecine decrypt` over every segment of the set, against the clear packaging of the same source.

The judges are not ours: ffprobe hashes the samples of fMP4, ffmpeg takes elementary streams out of what was a stream,
and files that were encrypted whole have to be the clear files. The library in any split of the input is another test
(core/engine/tests/protected_media/set.rs).
"""

import concurrent.futures
import functools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

ELEMENTARY = {"h264": "h264", "aac": "adts", "ac3": "ac3", "eac3": "eac3"}


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.returncode}, {done.stderr.decode(errors='replace')[-400:]}")
    return done.stdout


def hashes(*parts):
    """Of every sample of fMP4, by ffprobe: its times, and a hash of its bytes."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as joined:
        joined.write(b"".join(p if isinstance(p, bytes) else p.read_bytes() for p in parts))
        joined.flush()
        command = ["ffprobe", "-v", "error", "-show_data_hash", "sha256", "-show_entries", "packet=pts,dts,size,data_hash"]
        return json.loads(run(*command, "-of", "json", joined.name))["packets"]


def head_of(data):
    """The boxes of a file up to its `moov`."""
    at = 0
    while data[at + 4 : at + 8] != b"moov":
        at += int.from_bytes(data[at : at + 4], "big")
    return data[: at + int.from_bytes(data[at : at + 4], "big")]


def slices(annex_b):
    """Slices of H.264 in order; what only frames them (parameter sets, delimiters) a remultiplexer may write anew."""
    units = re.split(rb"\x00\x00\x00?\x01", annex_b)
    # Zeros behind a unit are no part of it (H.264, B.2).
    return [u.rstrip(b"\0") for u in units if u and u[0] & 31 in (1, 5)]


def frames(adts):
    """Payloads of ADTS frames, behind a tag if there is one."""
    at, out = 0, []
    if adts[:3] == b"ID3":
        at = 10 + sum((adts[6 + n] & 127) << 7 * (3 - n) for n in range(4))
    while at < len(adts):
        if adts[at] != 0xFF or adts[at + 1] & 0xF6 != 0xF0:
            raise RuntimeError(f"no frame of ADTS at {at}")
        size = (adts[at + 3] & 3) << 11 | adts[at + 4] << 3 | adts[at + 5] >> 5
        out.append(adts[at + (7 if adts[at + 1] & 1 else 9) : at + size])
        at += size
    return out


def elementary(path, codec):
    data = run("ffmpeg", "-v", "error", "-nostdin", "-i", path, "-c", "copy", "-map", "0:0", "-f", ELEMENTARY[codec], "-")
    return {"h264": slices, "aac": frames}.get(codec, lambda data: [data])(data)


class Decrypting:
    def __init__(self, titles, telecine, work):
        self.titles, self.telecine, self.work = titles, telecine, Path(work)

    def decrypt(self, source, name, *arguments):
        out = self.work / name
        run(self.telecine, "decrypt", *arguments, source, out)
        return out

    @functools.lru_cache(maxsize=None)
    def packaged(self, name, source):
        """Samples of the clear packaging."""
        twin = self.titles[name]
        track = next(t for t in twin.tracks if t.source == source)
        return hashes(twin.init(track), *twin.segments(track))

    def common(self, variant, track):
        """The whole track in one file, and each segment by itself with its initialisation section."""
        wanted, init = self.packaged(variant.clear, track.source), variant.init(track)
        keys = [word for key in variant.keys for word in ("--key", f"{key['kid']}:{key['key']}")]
        name = f"{variant.name}.{track.source}"
        whole = self.work / f"{name}.mp4"
        whole.write_bytes(b"".join(p.read_bytes() for p in [init, *variant.segments(track)]))
        done = self.decrypt(whole, f"{name}.clear.mp4", *keys)
        if hashes(done) != wanted or len(wanted) != track.samples:
            raise RuntimeError(f"{name}: the whole track is not what the clear one is")
        head = head_of(done.read_bytes())
        parts = [
            self.decrypt(segment, f"{name}.{segment.name}", "--init", init, *keys) for segment in variant.segments(track)
        ]
        found = hashes(head, *parts)
        if found != wanted:
            differ = [n for n, (a, b) in enumerate(zip(found, wanted)) if a != b]
            raise RuntimeError(f"{name}: {len(found)} of {len(wanted)} samples, {differ[:8]} differ")

    def sample_aes(self, variant, track):
        """Each segment of a stream by itself: the last access unit has no successor there."""
        clear = self.titles[variant.clear].segments(track)
        arguments = ["--key", variant.keys[0]["key"], "--iv", variant.iv]
        name = f"{variant.name}.{track.source}"
        if len(clear) != len(variant.segments(track)):
            raise RuntimeError(f"{name}: {len(clear)} clear segments")
        for segment, wanted in zip(variant.segments(track), clear):
            out = self.decrypt(segment, f"{name}.{segment.stem}.mp4", *arguments)
            found = elementary(out, track.codec)
            wanted = frames(wanted.read_bytes()) if wanted.suffix == ".aac" else elementary(wanted, track.codec)
            if found != wanted or not found:
                differ = [n for n, (a, b) in enumerate(zip(found, wanted)) if a != b]
                raise RuntimeError(f"{name}: {segment.name}: {len(found)} of {len(wanted)} units, {differ[:8]} differ")

    def whole(self, variant):
        """Segments that were encrypted whole become the clear files again; the playlist says which key is where."""
        folder = self.titles.root / variant.clear
        clear = sorted([*folder.glob("*.ts"), *folder.glob("*.m4s")], key=lambda p: int(p.stem))
        key, iv, at, count, text = None, None, None, 0, (variant.folder / "main.m3u8").read_text()
        sequence = int((re.search(r"MEDIA-SEQUENCE:(\d+)", text) or [0, 0])[1])
        name = variant.name

        def opened(data, label):
            source = self.work / f"{name}.{label}.in"
            source.write_bytes(data)
            vector = ["--iv", iv] if iv else ["--sequence", sequence + count]
            out = self.decrypt(source, f"{name}.{label}.out", "--method", "aes-128", "--key", key, *vector)
            return out.read_bytes()

        for line in text.splitlines():
            if line.startswith("#EXT-X-KEY"):
                key = (variant.folder / re.search('URI="([^"]+)"', line)[1]).read_bytes().hex()
                iv = (re.search("IV=0x([0-9a-fA-F]+)", line) or [0, None])[1]
            elif line.startswith("#EXT-X-MAP") and key:
                init = variant.folder / re.search('URI="([^"]+)"', line)[1]
                if opened(init.read_bytes(), "init") != (folder / "init.mp4").read_bytes():
                    raise RuntimeError(f"{name}: the initialisation section is not the clear one")
            elif line.startswith("#EXT-X-BYTERANGE"):
                at = [int(n) for n in line.partition(":")[2].split("@")]
            elif line and not line.startswith("#"):
                data = (variant.folder / line).read_bytes()
                data = data[at[1] : at[1] + at[0]] if at else data
                if opened(data, str(count)) != clear[count].read_bytes():
                    raise RuntimeError(f"{name}: segment {count} is not the clear one")
                count += 1
        if count != len(clear):
            raise RuntimeError(f"{name}: {count} of {len(clear)} segments")


def decrypt_all(titles, telecine):
    """(variant, track, fault or None) of everything that is protected."""
    with tempfile.TemporaryDirectory() as work:
        to = Decrypting(titles, telecine, work)

        def one(job):
            variant, tracks = job
            try:
                if variant.protection == "AES-128":
                    to.whole(variant)
                elif variant.is_common or variant.container(tracks[0]) == "fMP4":
                    to.common(variant, tracks[0])
                else:
                    to.sample_aes(variant, tracks[0])
                fault = None
            except (RuntimeError, OSError, KeyError, IndexError) as error:
                fault = str(error) or repr(error)
            return [(variant, track, fault) for track in tracks]

        # Files that were encrypted whole hold all tracks of their variant: it is decrypted once.
        jobs = []
        for variant in (v for v in titles.variants if v.protection):
            once = variant.protection == "AES-128"
            jobs += [(variant, tracks) for tracks in ([variant.tracks] if once else [[t] for t in variant.tracks])]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return [result for results in pool.map(one, jobs) for result in results]
