"""The pictures: scenes from the clip and from ffmpeg's generators.

Scenes change at odd places on purpose (6.8 s, 9 s, 15 s …): a key frame may
only come every two seconds, whatever the picture does.
"""

from dataclasses import dataclass

from plan import FPS, FRAMES
from words import CREDIT_CARD

WIDTH, HEIGHT = 1280, 720
SIZE = f"{WIDTH}x{HEIGHT}"
CLIP_FPS = 24
SANS = "font='DejaVu Sans'"
MONO = "font='DejaVu Sans Mono'"


@dataclass(frozen=True)
class Scene:
    frames: int
    graph: str  # a generator, or filters for the clip
    clip_from: int | None = None  # first frame of the clip, if it shows the clip


def centred(text, size, y, alpha=1.0):
    return (
        f"drawtext={SANS}:text='{text}':fontsize={size}:fontcolor=white@{alpha}"
        f":shadowcolor=black@0.5:shadowx=3:shadowy=3:x=(w-text_w)/2:y={y}"
    )


def gradients(seed, *colours):
    named = ":".join(f"c{n}={colour}" for n, colour in enumerate(colours))
    return (
        f"gradients=s={SIZE}:r={FPS}:n={len(colours)}:{named}"
        f":x0=0:y0=0:x1={WIDTH}:y1={HEIGHT}:seed={seed}:speed=0.012"
    )


def title_card():
    return ",".join((
        gradients(11, "0x14213d", "0x3d348b", "0x7678ed"),
        centred("Telecine", 150, 240),
        centred("demo title, 24 s, made to loop", 44, 430, 0.85),
    ))


def credit_card():
    heading, *lines = CREDIT_CARD
    parts = [gradients(5, "0x0b3d2e", "0x14213d", "0x1f7a5c"), centred(heading, 84, 210)]
    parts += [centred(line, 40, 350 + 64 * n, 0.9) for n, line in enumerate(lines)]
    return ",".join(parts)


def test_card():
    return f"testsrc2=s={SIZE}:r={FPS}"


def fractal():
    return (
        f"mandelbrot=s={SIZE}:r={FPS}:start_x=-0.743643887:start_y=-0.131825904"
        ":start_scale=1.2:end_scale=0.006:end_pts=90:maxiter=600"
    )


def moving_bars():
    return f"smptehdbars=s={SIZE}:r={FPS},scroll=horizontal=0.012"


def life():
    return (
        f"life=s=80x45:r={FPS}:ratio=0.3:seed=7:mold=12"
        ":life_color=0xf2e9e4:death_color=0x22223b:mold_color=0x9a348e"
        f",scale={SIZE}:flags=neighbor"
    )


def clip_wide():
    return f"scale={SIZE}:flags=lanczos"


def clip_close():
    return f"crop=176:132:144:60,scale={SIZE}:flags=lanczos,noise=alls=14:allf=t:all_seed=5"


SCENES = (
    Scene(50, title_card()),
    Scene(120, clip_wide(), clip_from=24),
    Scene(55, test_card()),
    Scene(75, fractal()),
    Scene(75, clip_wide(), clip_from=144),
    Scene(50, moving_bars()),
    Scene(50, life()),
    Scene(75, clip_close(), clip_from=100),
    Scene(50, credit_card()),
)

assert sum(scene.frames for scene in SCENES) == FRAMES


def starts():
    """(first frame, scene), in order."""
    first = 0
    for scene in SCENES:
        yield first, scene
        first += scene.frames


def base_graph():
    """Filter graph that joins all scenes; input 0 is the clip, output is [base].

    The clip has 24 frames a second and is shown at 25, as in the television of
    old: no frame is doubled. Its sound is sped up alike.
    """
    clips = [n for n, scene in enumerate(SCENES) if scene.clip_from is not None]
    chains = [f"[0:v]split={len(clips)}" + "".join(f"[clip{n}]" for n in clips)]
    for n, scene in enumerate(SCENES):
        chains.append(scene_chain(n, scene))
    inputs = "".join(f"[s{n}]" for n in range(len(SCENES)))
    chains.append(f"{inputs}concat=n={len(SCENES)}[base]")
    return ";".join(chains)


def scene_chain(n, scene):
    to_video = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1"
    timing = f"setpts=N/({FPS}*TB),fps={FPS}"
    if scene.clip_from is None:
        trim = f"trim=end_frame={scene.frames}"
        return f"{scene.graph},{trim},{timing},{to_video}[s{n}]"
    trim = f"trim=start_frame={scene.clip_from}:end_frame={scene.clip_from + scene.frames}"
    return f"[clip{n}]{trim},{timing},{scene.graph},{to_video}[s{n}]"


def rendition_graph(video, strip_divisor):
    """Scale the base (input 0), write the label, lay the strip (input 1) on top."""
    strip_height = video.height // strip_divisor
    size = max(12, video.height // 22)
    label = (
        f"drawtext={MONO}:text='{video.name}  %{{eif\\:n\\:d\\:3}}  %{{pts\\:hms}}'"
        f":fontsize={size}:fontcolor=white:box=1:boxcolor=black@0.7:boxborderw={size // 3}"
        f":x={size}:y={strip_height + size}"
    )
    strip = (
        f"scale={video.width}:{strip_height}:flags=neighbor:in_range=pc:out_range=tv"
        ",format=yuv420p"
    )
    # Strip and label stay sharp in the costly scenes, even at 180 lines.
    care = f"addroi=0:0:iw:{strip_height + 3 * size}:-0.4"
    return (
        f"[0:v]scale={video.width}:{video.height}:flags=lanczos,setsar=1,{label}[picture];"
        f"[1:v]{strip}[strip];[picture][strip]overlay=0:0:format=yuv420,{care}[out]"
    )
