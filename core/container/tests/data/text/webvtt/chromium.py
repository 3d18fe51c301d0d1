#!/usr/bin/env python3
"""Asks Chromium what it reads in every text of cases.json and writes chromium.json.

The results are committed: tests never run this. It needs Debian's chromium. A page gives each text
to a <track> and prints the cues that the browser's own parser made of it.
"""
import html, json, os, re, subprocess, tempfile

PAGE = """<!doctype html><meta charset=utf-8><pre id=out>waiting</pre><script>
const cases = CASES;
function tree(node) {
  return [...node.childNodes].map(n => {
    if (n.nodeType === 3) return n.data;
    if (n.nodeType === 7) return {time: n.data};
    const e = {tag: n.localName, nodes: tree(n)};
    if (n.className) e.classes = n.className;
    if (n.title) e.title = n.title;
    if (n.lang) e.lang = n.lang;
    return e;
  });
}
function region(r) {
  return r && {id: r.id, width: r.width, lines: r.lines, anchor: [r.regionAnchorX, r.regionAnchorY],
               viewport: [r.viewportAnchorX, r.viewportAnchorY], scroll: r.scroll};
}
function cue(c) {
  return {id: c.id, start: c.startTime, end: c.endTime, text: c.text, nodes: tree(c.getCueAsHTML()),
          vertical: c.vertical, snap: c.snapToLines, line: c.line, lineAlign: c.lineAlign,
          position: c.position, positionAlign: c.positionAlign, size: c.size, align: c.align, region: region(c.region)};
}
function read(text) {
  return new Promise(done => {
    const video = document.createElement('video'), track = document.createElement('track');
    track.src = URL.createObjectURL(new Blob([text], {type: 'text/vtt'}));
    track.onload = () => done([...track.track.cues].map(cue));
    track.onerror = () => done(null);
    video.append(track);
    document.body.append(video);
    track.track.mode = 'hidden';
  });
}
(async () => {
  const out = {};
  for (const [name, text] of Object.entries(cases)) out[name] = await read(text);
  document.getElementById('out').textContent = JSON.stringify(out);
})();
</script>"""

here = os.path.dirname(os.path.abspath(__file__))
cases = open(os.path.join(here, "cases.json"), encoding="utf-8").read()
with tempfile.TemporaryDirectory() as folder:
    page = os.path.join(folder, "page.html")
    open(page, "w", encoding="utf-8").write(PAGE.replace("CASES", json.dumps(json.loads(cases)).replace("<", "\\u003c")))
    dom = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--enable-experimental-web-platform-features", f"--user-data-dir={folder}/profile",
         "--virtual-time-budget=60000", "--dump-dom", "file://" + page],
        check=True, capture_output=True, text=True, timeout=300).stdout
    version = subprocess.run(["chromium", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
found = json.loads(html.unescape(re.search(r'<pre id="out">(.*?)</pre>', dom, re.S).group(1)))
# Cues of one text are in the order of the text track: by start, then longest first. A case with cues out of
# order is compared in that order.
with open(os.path.join(here, "chromium.json"), "w", encoding="utf-8") as out:
    json.dump({"chromium": version, "cases": found}, out, ensure_ascii=False, indent=1)
    out.write("\n")
