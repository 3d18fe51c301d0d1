#!/usr/bin/env python3
"""What is supported, as the suite found it: `support.json` beside this file, and the table of the README made from it.

    conformance/suite/set/support.py            # fails unless the README says what support.json does

`run` makes the whole set, plays and decrypts it, and compares what it finds with support.json (`--write`: writes it,
and the README).
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILE = HERE / "support.json"
README = HERE.parents[2] / "README.md"
BEGIN = "<!-- support: written by `make support` from what `make test-set` proves; do not edit -->"
END = "<!-- support: end -->"

CONTAINERS = ("fMP4", "MPEG-TS", "packed audio")
CODECS = ("H.264", "H.265", "VP9", "AV1", "AAC", "MP3", "AC-3", "E-AC-3")
SCHEMES = ("clear", "cenc", "cens", "cbc1", "cbcs", "SAMPLE-AES", "AES-128")
LETTERS = (("played", "P"), ("in_rust", "R"), ("decrypted", "D"), ("passed", "T"))


def plays(track, sessions, sink):
    """Whether nothing is wrong with any session of a variant, and one with this sink played this very track. Which
    rung GStreamer plays in real time is not certain: there another of its codec will do."""
    of_sink = [s for s in sessions if s.sink == sink]
    alike = lambda t: t == track or (sink == "gstreamer" and track.kind == t.kind == "video" and t.codec == track.codec)
    covered = any(alike(t) for s in of_sink for t in s.played)
    return covered and not any(s.faults for s in sessions)


def cells(titles, sessions, decrypted, by_library, passed):
    """Everything of the set by container, codec and scheme. A letter stands where all of its variants have earned it."""
    found = {}
    for variant in titles.variants:
        of_variant = [s for s in sessions if s.variant is variant]
        for track in variant.tracks:
            place = (variant.container(track), track.name, variant.protection or "clear")
            earned = {"played": all(plays(track, of_variant, sink) for sink in ("null", "audio", "gstreamer"))}
            if track.kind == "audio":
                rust = [s for s in of_variant if s.sink == "audio"]
                earned["in_rust"] = plays(track, rust, "audio")
            if variant.protection:
                own = f"{variant.name} {track.source}"
                earned["decrypted"] = (variant.name, track.source) in decrypted and own in by_library
                # Only some variants name a key system that a device could have.
                if any(line.split()[0] == variant.name for line in passed):
                    earned["passed"] = own in passed
            cell = found.setdefault(place, {"variants": []})
            cell["variants"].append(variant.name)
            for letter, has in earned.items():
                cell[letter] = cell.get(letter, True) and has
    rows = []
    for (container, codec, scheme), cell in found.items():
        cell["variants"] = sorted(set(cell["variants"]))
        rows.append({"container": container, "codec": codec, "scheme": scheme, **cell})
    rows.sort(key=lambda r: (CONTAINERS.index(r["container"]), CODECS.index(r["codec"]), SCHEMES.index(r["scheme"])))
    return rows


def document(rows):
    return json.dumps({"rows": rows}, indent=1) + "\n"


def table(rows):
    at = {(r["container"], r["codec"], r["scheme"]): r for r in rows}
    lines = ["| container | codec | " + " | ".join(SCHEMES) + " |", "|---" * (2 + len(SCHEMES)) + "|"]
    for container in CONTAINERS:
        for codec in CODECS:
            of = [at.get((container, codec, scheme)) for scheme in SCHEMES]
            if any(of):
                words = [" ".join(letter for name, letter in LETTERS if row and row.get(name)) for row in of]
                lines.append(f"| {container} | {codec} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def rendered(readme, rows):
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{README.name} has lost its marks '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def check():
    """The faults of the README against support.json."""
    rows = json.loads(FILE.read_text())["rows"]
    readme = README.read_text()
    return [] if rendered(readme, rows) == readme else [f"{README.name} does not say what {FILE.name} does: make support"]


def write(rows):
    FILE.write_text(document(rows))
    README.write_text(rendered(README.read_text(), rows))


if __name__ == "__main__":
    sys.exit("\n".join(check()) or None)
