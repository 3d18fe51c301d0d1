"""`telecine play` over the set: what it reports against what ffprobe counted."""

import concurrent.futures
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field

# Times are told in microseconds, and some sources count in less round units.
EXACT = 0.001
# Variants of several rungs and languages are played in both of these ways: what is asked for, and what has to come.
# Nothing asked for: the first language and, where the network is a model that is fast enough for it, the upper rung.
FIRST = ((), {"video": "v270", "audio": "a_en"})
OTHER = (("--max-height", "180", "--audio-lang", "fr"), {"video": "v180", "audio": "a_fr"})


class Origin:
    """The origin over the set, with its ClearKey licence server."""

    def __init__(self, telecine, folder):
        command = [telecine, "origin", "--listen", "127.0.0.1:0", "--folder", f"set={folder}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        self.url = re.match(r"(http://[^/\s]+)", first)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@dataclass
class Session:
    """One title played once."""

    variant: object
    manifest: str
    sink: str
    # How it gets its keys: none, key, licence, file.
    keys: str
    more: tuple = ()
    # The source that has to be played of each kind; what is not in it is for the player to choose.
    wish: dict = field(default_factory=dict)
    seconds: float = 0.0
    faults: list = field(default_factory=list)
    # Tracks that were played as they have to be: of two rungs only those that were shown.
    played: list = field(default_factory=list)

    @property
    def name(self):
        return " ".join([self.manifest, f"--sink {self.sink}", f"keys: {self.keys}", *self.more])


def ways(variant):
    """How a variant can get its keys."""
    if variant.protection is None:
        return ["none"]
    if variant.is_common:
        return ["key", "licence"]
    # A bare key stands for every segment: it cannot where keys rotate.
    return ["file", "key"] if len(variant.keys) == 1 else ["file"]


def sessions(titles):
    """All of it in virtual time, and through GStreamer."""
    out = []
    for variant in titles.variants:
        several = len(variant.tracks) > 2
        for manifest in variant.manifests:
            for nth, keys in enumerate(ways(variant)):
                for more, wish in (FIRST, OTHER) if several else (((), {}),):
                    out.append(Session(variant, manifest, "null", keys, more, wish))
                    out.append(Session(variant, manifest, "audio", keys, more, wish))
                    if more and nth:
                        # Real time is dear: once for each manifest.
                        continue
                    # Over a real network the rung is for the player to choose, unless it is told to.
                    real = wish if more else {kind: s for kind, s in wish.items() if kind != "video"}
                    out.append(Session(variant, manifest, "gstreamer", keys, more, real))
    return out


def arguments(session, origin):
    variant = session.variant
    out = ["play", f"{origin.url}/files/set/{session.manifest}", "--sink", session.sink, "--json", *session.more]
    # GStreamer renders in real time: four times as fast it takes a quarter of it.
    out += ["--rate", "4"] if session.sink == "gstreamer" else ["--clock", "virtual"]
    if session.keys == "licence":
        out += ["--license-url", f"{origin.url}/files/set/license"]
    elif session.keys == "key" and variant.is_common:
        out += [word for key in variant.keys for word in ("--key", f"{key['kid']}:{key['key']}")]
    elif session.keys == "key":
        out += ["--key", variant.keys[0]["key"]]
    return out


def shown(session, kind, wanted, report):
    """Which tracks of a kind were played, by the renditions that the report says were."""
    if len(wanted) == 1:
        return wanted
    known = session.variant.renditions(session.manifest)
    sources = {known.get(q["rendition"]) for q in report["quality"] if q["kind"] == kind}
    return [t for t in wanted if t.source in sources] if None not in sources else []


def judge(session, titles, code, report):
    """Holds a report against the facts."""
    faults, variant = [], session.variant
    wanted = {kind: [t for t in variant.tracks if t.kind == kind] for kind in ("video", "audio")}
    if code or report["outcome"] != "ended" or report["error"] or report["errors"]:
        faults.append(f"ends with {code}, {report['outcome']}, {report['error']}, {report['errors']}")
    if report["stalls"]["count"]:
        faults.append(f"stalls: {report['stalls']}")
    if report["requests"]["failed"]:
        faults.append(f"{report['requests']['failed']} requests failed")
    told = report["tracks"]
    kinds = sorted(kind for kind, tracks in wanted.items() if tracks)
    if sorted(t["kind"] for t in told) != kinds:
        faults.append(f"tracks {[t['kind'] for t in told]}, there are {kinds}")
    shift = titles.shift(variant)
    for track in told:
        about = f"{track['kind']} {track['codec']}"
        here = shown(session, track["kind"], wanted[track["kind"]], report)
        wish = session.wish.get(track["kind"])
        if not here or (wish and [t.source for t in here] != [wish]):
            faults.append(f"{about}: plays {[t.source for t in here]} in place of {wish}: {report['quality']}")
            continue
        # Rungs have the same times: one that was left for another still is counted whole.
        fits = [
            t
            for t in here
            if track["samples"] == t.samples
            and abs(track["first_pts_s"] - t.first - shift) < EXACT
            and abs(track["last_pts_s"] - t.last - shift) < EXACT
        ]
        if fits != here:
            have = {k: track[k] for k in ("samples", "first_pts_s", "last_pts_s")}
            faults.append(f"{about}: {have}, ffprobe has {here}, {shift:.3f} s later")
            continue
        if track["gaps"] or track["decode_errors"]:
            faults.append(f"{about}: {track['gaps']} gaps, {track['decode_errors']} samples refused")
        decodes = session.sink == "gstreamer" or (session.sink == "audio" and track["kind"] == "audio")
        least = fits[0].samples - (titles.silent(variant, fits[0]) if session.sink == "gstreamer" else 0)
        if decodes and not least <= track["decoded"] <= fits[0].samples:
            faults.append(f"{about}: {track['decoded']} of {fits[0].samples} decoded")
        if not faults:
            session.played += here
    session.faults = faults


def play(session, titles, telecine, origin):
    session.faults, session.played = [], []
    started = time.monotonic()
    command = [telecine, *arguments(session, origin)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180)
        judge(session, titles, done.returncode, json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        session.faults = ["does not end in 180 s"]
    except (ValueError, KeyError) as error:
        session.faults = [f"no report ({error!r}): {done.returncode}, {done.stderr[-500:]}"]
    session.seconds = time.monotonic() - started
    return session


def play_all(titles, telecine, jobs):
    """Plays everything; what runs in virtual time first, as many at a time as there are processors."""
    everything = sessions(titles)
    with Origin(telecine, titles.root) as origin:
        for real, at_once in ((False, os.cpu_count()), (True, jobs)):
            of_kind = [s for s in everything if (s.sink == "gstreamer") is real]
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                list(pool.map(lambda s: play(s, titles, telecine, origin), of_kind))
            # Real time needs a machine that has time: what stumbled in the crowd is played again, alone.
            for session in [s for s in of_kind if real and s.faults]:
                print(f"  again, alone: {session.name}: {'; '.join(session.faults)}", flush=True)
                play(session, titles, telecine, origin)
    return everything
