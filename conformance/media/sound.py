"""The sound: the clip's own, a soft chord, a beep, and babble like speech.

All frequencies are whole numbers of hertz and all that decays ends before
24 s, so the loop has no seam. The language is to be heard at once: English is
a low voice of uneven syllables, with a beep of 880 Hz; French a high voice of
even ones, with a beep of 1320 Hz.
"""

import array
import math
import sys
from dataclasses import dataclass

import scenes
from plan import DURATION, FPS, SAMPLE_RATE

SAMPLES = DURATION * SAMPLE_RATE
CLIP_GAIN = 5.0  # the clip's sound is very quiet
EDGE = SAMPLE_RATE // 50  # fade at the clip's cuts

# First three formants of some vowels, in hertz.
VOWELS = {
    "a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010),
    "o": (570, 840, 2410), "u": (300, 870, 2240), "y": (250, 1750, 2160),
}


@dataclass(frozen=True)
class Voice:
    beep: int
    chord: tuple
    pitch: int
    bend: float  # change of pitch over a phrase
    syllables: tuple  # (vowel, share of the phrase)
    left: float
    right: float


VOICES = {
    "en": Voice(880, (220, 277, 330), 108, -0.25,
                (("o", 1), ("e", 3), ("i", 1), ("a", 4), ("u", 2)), 1.0, 0.7),
    "fr": Voice(1320, (196, 233, 294), 205, 0.18,
                (("u", 2), ("y", 2), ("e", 2), ("o", 2), ("i", 2), ("a", 2)), 0.7, 1.0),
}

# Two phrases in every segment, clear of the beep in its middle.
PHRASES = tuple(
    (2 * k + start, length) for k in range(DURATION // 2) for start, length in ((0.12, 0.7), (1.2, 0.66))
)
BEEPS = tuple(2 * k + 1 for k in range(DURATION // 2))


def mix(language, clip_pcm):
    """24 s of interleaved 16-bit stereo. `clip_pcm` is the clip's, same format."""
    voice = VOICES[language]
    mono = chord(voice)
    add_beeps(mono, voice)
    speech = babble(voice)
    left = [m + s * voice.left for m, s in zip(mono, speech)]
    right = [m + s * voice.right for m, s in zip(mono, speech)]
    add_clip(left, right, clip_pcm)
    out = array.array("h", bytes(4 * SAMPLES))
    out[0::2] = array.array("h", map(clamp, left))
    out[1::2] = array.array("h", map(clamp, right))
    if sys.byteorder == "big":
        out.byteswap()
    return out.tobytes()


def clamp(value):
    return max(-32767, min(32767, round(value)))


def chord(voice):
    """One second of it repeats exactly: whole hertz."""
    second = [
        sum(150 * math.sin(math.tau * hertz * n / SAMPLE_RATE) for hertz in voice.chord)
        for n in range(SAMPLE_RATE)
    ]
    return second * DURATION


def add_beeps(mono, voice):
    length = SAMPLE_RATE // 10
    tone = [
        5000 * math.sin(math.tau * voice.beep * n / SAMPLE_RATE) * envelope(n, length)
        for n in range(length)
    ]
    for second in BEEPS:
        at = second * SAMPLE_RATE
        for n, value in enumerate(tone):
            mono[at + n] += value


def envelope(n, length, edge=240):
    return min(1.0, n / edge, (length - n) / edge)


def babble(voice):
    """Vowels as trains of short damped waves, one per beat of the voice."""
    grains = {vowel: grain(VOWELS[vowel]) for vowel, _ in voice.syllables}
    out = [0.0] * SAMPLES
    for number, (start, length) in enumerate(PHRASES):
        order = rotated(voice.syllables, number)
        speak(out, voice, grains, order, start, length)
    return out


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def grain(formants):
    length = SAMPLE_RATE // 80
    return [
        sum(
            900 / (rank + 1) * math.sin(math.tau * hertz * n / SAMPLE_RATE)
            for rank, hertz in enumerate(formants)
        )
        * math.exp(-6 * n / length) * envelope(n, length, 40)
        for n in range(length)
    ]


def speak(out, voice, grains, syllables, start, length):
    whole = sum(share for _, share in syllables)
    begun = 0
    for vowel, share in syllables:
        first = start + length * begun / whole
        last = first + 0.85 * length * share / whole
        at = first
        while at < last:
            loud = math.sin(math.pi * (at - first) / (last - first)) ** 0.5
            add_grain(out, grains[vowel], round(at * SAMPLE_RATE), 6 * loud)
            at += 1 / (voice.pitch * (1 + voice.bend * (at - start) / length))
        begun += share


def add_grain(out, wave, at, gain):
    for n, value in enumerate(wave):
        out[at + n] += gain * value


def add_clip(left, right, pcm):
    """The clip's sound under each of its scenes, in step with the picture."""
    clip = array.array("h")
    clip.frombytes(pcm)
    if sys.byteorder == "big":
        clip.byteswap()
    per_frame = SAMPLE_RATE // FPS
    for first, scene in scenes.starts():
        if scene.clip_from is None:
            continue
        source, target = scene.clip_from * per_frame, first * per_frame
        length = min(scene.frames * per_frame, len(clip) // 2 - source)
        for n in range(length):
            gain = CLIP_GAIN * envelope(n, length, EDGE)
            left[target + n] += gain * clip[2 * (source + n)]
            right[target + n] += gain * clip[2 * (source + n) + 1]
