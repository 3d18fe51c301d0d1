"""The facts that the maker and the checker of the demo title share."""

from dataclasses import dataclass

FPS = 25
FRAMES = 600
SEGMENT_SECONDS = 2
SEGMENTS = 12
SEGMENT_FRAMES = FPS * SEGMENT_SECONDS
DURATION = FRAMES // FPS

VIDEO_TIMESCALE = 90_000
FRAME_TICKS = VIDEO_TIMESCALE // FPS

# B-frames between two others. They are no references themselves, so the
# smallest composition offset is always minus one frame.
B_FRAMES = 2

SAMPLE_RATE = 48_000
AAC_SAMPLES = 1024
AAC_FRAMES = DURATION * SAMPLE_RATE // AAC_SAMPLES

# Ceiling of the whole demo folder; the recipe aims at 5.6 MB.
MAX_BYTES = 6_000_000


@dataclass(frozen=True)
class Video:
    name: str
    index: int
    width: int
    height: int
    kbps: int
    profile: str
    level: str


@dataclass(frozen=True)
class Audio:
    name: str
    language: str  # BCP 47, for manifests
    mdhd: str  # ISO 639-2/T, for the media header box
    label: str
    kbps: int = 64


VIDEOS = (
    Video("v180", 0, 320, 180, 112, "main", "1.3"),
    Video("v360", 1, 640, 360, 290, "main", "3.0"),
    Video("v480", 2, 854, 480, 490, "main", "3.0"),
    Video("v720", 3, 1280, 720, 840, "high", "3.1"),
)

AUDIOS = (
    Audio("a-en", "en", "eng", "English"),
    Audio("a-fr", "fr", "fra", "Français"),
)


def audio_segment_start(k):
    """Number of the first AAC frame of segment k: the last one that starts
    at or before 2k seconds."""
    if k >= SEGMENTS:
        return AAC_FRAMES
    return k * SEGMENT_SECONDS * SAMPLE_RATE // AAC_SAMPLES


def audio_segment_lengths():
    return [audio_segment_start(k + 1) - audio_segment_start(k) for k in range(SEGMENTS)]


def video_segment_lengths():
    return [SEGMENT_FRAMES] * SEGMENTS
