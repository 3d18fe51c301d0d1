#!/usr/bin/env python3
"""Low latency in real time, over real sockets and a link of 10 Mbit/s with 40 ms of round trip.

    run.py TELECINE OUT [SECONDS]

Each flavour plays from an origin of its own over a link of its own, all at once. As root on Linux the link is packets between
two network namespaces (link.py); elsewhere the origin shapes what it sends, and the table says so. Writes `live.md` and
`live.json` into OUT and fails if one of the lines that issue 4 draws does not hold.
"""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

MBPS, RTT_MS = 10, 40
# Name, path, and how late the mean may be at most for a target.
FLAVOURS = [
    ("LL-HLS, parts of 0.33 s", "hls/live_60/parts_334/demo/main.m3u8", "1.1 × PART-HOLD-BACK", lambda target: 1.1 * target),
    (
        "LL-DASH, chunks of 0.4 s",
        "dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/demo/number.mpd",
        "target + 0.2 s",
        lambda target: target + 0.2,
    ),
]
PORT = 18080
# What starting, stopping and reporting take at most.
SPARE_S = 60


def can_have_namespaces():
    """Whether links can be made of packets here."""
    if platform.system() != "Linux" or os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        return False
    probe = f"tcl{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", probe], check=True)
    return made


def end(process):
    """Ends a process of ours."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def packets(number):
    """A link of packets: how to run something at either end of it, and where the far end listens."""
    own = f"tcl{os.getpid()}"
    near, far = f"{own}n{number}", f"{own}f{number}"
    addresses = [f"10.87.{number}.1", f"10.87.{number}.2"]
    made = []
    try:
        for namespace in (near, far):
            subprocess.run(["ip", "netns", "add", namespace], check=True)
            made.append(namespace)
        script = Path(__file__).with_name("link.py")
        command = [sys.executable, script, f"{own}x{number}", near, addresses[0], far, addresses[1], str(MBPS), str(RTT_MS)]
        link = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if link.stdout.readline().strip() != "ready":
                raise SystemExit("the link could not be made")
            yield ["ip", "netns", "exec", near], ["ip", "netns", "exec", far], f"{addresses[1]}:{PORT}", []
        finally:
            end(link)
    finally:
        for namespace in made:
            subprocess.run(["ip", "netns", "del", namespace], check=False)


@contextlib.contextmanager
def shaped(number):
    """A link that is the origin's own shaping."""
    yield [], [], f"127.0.0.1:{PORT + number}", ["--network", f"rate={MBPS}Mbps,rtt={RTT_MS}ms"]


@contextlib.contextmanager
def origin(prefix, telecine, address, options):
    """An origin that answers."""
    command = [*prefix, telecine, "origin", "--listen", address, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        # It says where things are as soon as it listens, and nothing more.
        if not process.stdout.readline():
            raise SystemExit("the origin does not start")
        yield process
    finally:
        end(process)


def congestion_control():
    try:
        return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    except OSError:
        return "unknown"


def speeds(report):
    """The least and the most speed that was played at."""
    played = [speed for _, speed in report["speeds"] if speed > 0] or [1.0]
    return min(played), max(played)


def measure(report, most):
    """What a report says, and which lines it does not hold."""
    latency = report["latency"] or {}
    mean, target = latency.get("mean_s"), latency.get("target_s")
    slowest, fastest = speeds(report)
    found = {
        "mean_s": mean,
        "p95_s": latency.get("p95_s"),
        "target_s": target,
        "most_s": None if target is None else round(most(target), 3),
        "stalls": report["stalls"]["count"],
        "played_s": report["played_s"],
        "mean_bps": report["bitrate"]["mean_bps"],
        "mean_height": report["height"]["mean"],
        "slowest": slowest,
        "fastest": fastest,
        "errors": len(report["errors"]),
    }
    wrong = []
    if report["outcome"] != "stopped":
        wrong.append(f"it ended: {report['outcome']}, {report['error']}")
    if mean is None or mean > most(target):
        wrong.append(f"mean latency {mean} s, at most {found['most_s']} s")
    if found["stalls"] != 0:
        wrong.append(f"{found['stalls']} stalls")
    return found, wrong


def table(results, seconds, conditions):
    lines = [
        f"{seconds} s each, {conditions}",
        "",
        "| flavour | mean latency, s | may be | 95 % within, s | target, s | stalls | mean quality | speed | holds |",
        "|---|---:|---|---:|---:|---:|---|---|---|",
    ]
    for result in results:
        found = result["found"]
        quality = f"{found['mean_height']:.0f} lines, {found['mean_bps'] / 1e6:.2f} Mbit/s"
        lines.append(
            f"| {result['flavour']} | **{found['mean_s']:.3f}** | {found['most_s']:.3f} ({result['line']}) "
            f"| {found['p95_s']:.2f} | {found['target_s']:.3f} | {found['stalls']} | {quality} "
            f"| {found['slowest']:.3f}–{found['fastest']:.3f} | {'no: ' + '; '.join(result['wrong']) if result['wrong'] else 'yes'} |"
        )
    return "\n".join(lines) + "\n"


def main():
    telecine, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    # What was set up is taken down whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    out.mkdir(parents=True, exist_ok=True)
    real = can_have_namespaces()
    link = packets if real else shaped
    how = (
        f"packets between network namespaces, TCP {congestion_control()}"
        if real
        else "shaped by the origin: no network namespaces here"
    )
    with contextlib.ExitStack() as stack:
        playing = []
        for number, (name, path, line, most) in enumerate(FLAVOURS):
            near, far, address, options = stack.enter_context(link(number))
            stack.enter_context(origin(far, telecine, address, options))
            url, report = f"http://{address}/{path}", out / f"live-{number}.json"
            report.unlink(missing_ok=True)
            command = [*near, telecine, "play", url, "--sink", "null", "--until", str(seconds), "--report", report]
            player = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stack.callback(end, player)
            playing.append((name, line, most, report, player))
        results, last = [], time.monotonic() + seconds + SPARE_S
        for name, line, most, report, player in playing:
            code = player.wait(max(last - time.monotonic(), 1))
            if code != 0 or not report.exists():
                raise SystemExit(f"{name}: telecine play ended with {code}")
            found, wrong = measure(json.loads(report.read_text()), most)
            results.append({"flavour": name, "line": line, "found": found, "wrong": wrong})
    conditions = f"{MBPS} Mbit/s, {RTT_MS} ms: {how}"
    text = table(results, seconds, conditions)
    (out / "live.md").write_text(text)
    document = {"seconds": seconds, "mbps": MBPS, "rtt_ms": RTT_MS, "link": how, "results": results}
    (out / "live.json").write_text(json.dumps(document, indent=1) + "\n")
    print(text)
    for result in results:
        for wrong in result["wrong"]:
            print(f"{result['flavour']}: {wrong}", file=sys.stderr)
    return 1 if any(result["wrong"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
