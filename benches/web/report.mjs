// Tables as Markdown, and a page with the same tables and a drawing of each: every run a dot, the median and its interval.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { players } from "./players.mjs";
import { summary } from "./statistics.mjs";

const ms = { unit: "ms", scale: 1, digits: 0 };
const s = { unit: "s", scale: 0.001, digits: 2 };
const mb = { unit: "MB", scale: 1e-6, digits: 1 };
const count = { unit: "", scale: 1, digits: 0 };
const kb = { unit: "KB", scale: 1e-3, digits: 0 };

/** What each stage shows: a heading, what a table is of, and its columns. Less is better but where it says more. */
const SHOWN = {
  start: {
    title: "First picture",
    by: "network",
    about: "Cold: a new profile, the player's own files over the same line (gzip, as a site sends them). Warm: the second visit.",
    columns: [
      ["cold, from the navigation", (row) => row.coldNavigation, ms],
      ["cold, from load()", (row) => row.coldLoad, ms],
      ["warm, from the navigation", (row) => row.warmNavigation, ms],
      ["warm, from load()", (row) => row.warmLoad, ms],
    ],
  },
  size: {
    from: "start",
    title: "Downloaded to play",
    about: "What the origin's log says was fetched of the player in a cold start: gzip -9 and brotli 11 of it.",
    columns: [
      ["raw", (row) => row.weight?.raw, kb],
      ["gzip", (row) => row.weight?.gzip, kb],
      ["brotli", (row) => row.weight?.brotli, kb],
      ["files", (row) => row.files?.length, count],
    ],
  },
  rise: {
    title: "The highest rendition that the line carries, and stalls on the way",
    by: "network",
    about: "The first half minute of a warm visit. Where it was not reached in a run the time has no figure; `reached` is the share of runs.",
    columns: [
      ["to the highest", (row) => row.highestMs, s],
      ["reached", (row) => Number(row.reached), { unit: "", scale: 1, digits: 2, more: true }],
      ["mean height", (row) => row.height, { unit: "lines", scale: 1, digits: 0, more: true }],
      ["stalls", (row) => row.stalls, count],
      ["stalled", (row) => row.stalledMs, s],
    ],
  },
  main: {
    title: "A minute of playing: threads",
    about: "RunTask of Chromium's trace by thread; CPU of the renderer by the system, decoding included, and of its workers in it.",
    columns: [
      ["main thread busy", (row) => row.mainBusyMs, ms],
      ["longest task of it", (row) => row.mainLongestMs, ms],
      ["workers busy", (row) => row.workerBusyMs, ms],
      ["renderer's CPU", (row) => row.cpuMs, ms],
      ["of it the main thread", (row) => row.cpuMainMs, ms],
      ["of it workers", (row) => row.cpuWorkerMs, ms],
      ["height", (row) => row.height, { ...count, more: true }],
    ],
  },
  throttle: {
    title: "A slow device",
    by: "kind",
    about: "CDP's throttling reaches the page's thread and workers differently (below); a quota holds the whole renderer, decoding included.",
    columns: [
      ["first picture from load()", (row) => row.startMs, ms],
      ["renderer's CPU a minute", (row) => row.cpuMs, ms],
      ["main thread", (row) => row.cpuMainMs, ms],
      ["workers", (row) => row.cpuWorkerMs, ms],
      ["stalls", (row) => row.stalls, count],
      ["stalled", (row) => row.stalledMs, s],
      ["pictures dropped", (row) => row.dropped, count],
      ["height at the end", (row) => row.height, { ...count, more: true }],
    ],
  },
  memory: {
    title: "Memory",
    about: "After a collection in the page and its workers, and as it was found (waiting). Heap: the page's own (workers have theirs). Renderer: proportional set size, workers, decoders and WebAssembly included.",
    columns: [
      ["heap after playing", (row) => row.played?.heap, mb],
      ["renderer after playing", (row) => row.played?.renderer, mb],
      ["renderer at most", (row) => row.peak, mb],
      ["renderer after one load", (row) => row.once?.renderer, mb],
      ["heap after twenty", (row) => row.loaded?.heap, mb],
      ["renderer after twenty", (row) => row.loaded?.renderer, mb],
      ["twenty, waiting", (row) => row.loaded?.waiting, mb],
      ["twenty, at most", (row) => row.most, mb],
    ],
  },
  live: {
    title: "Low latency",
    about: "From the picture's strip against the wall clock, once a second; `own` is what the player says itself. LL-HLS in parts of 0.33 s; LL-DASH in chunks of 0.4 s with a target of 2 s.",
    columns: [
      ["mean latency", (row) => row.latency, { unit: "s", scale: 1, digits: 2 }],
      ["95 % within", (row) => row.latency95, { unit: "s", scale: 1, digits: 2 }],
      ["own", (row) => row.own, { unit: "s", scale: 1, digits: 2 }],
      ["stalls", (row) => row.stalls, count],
      ["stalled", (row) => row.stalledMs, s],
      ["first picture", (row) => row.startMs, ms],
      ["height at the end", (row) => row.height, { ...count, more: true }],
    ],
  },
  seeks: {
    title: "Ten seeks",
    about: "Three seconds of watching behind each. Wasted: bytes of media in the origin's log whose time was not played, or that came twice.",
    columns: [
      ["wasted", (row) => row.wasted, mb],
      ["fetched", (row) => row.fetched, mb],
      ["a seek", (row) => row.seekMs, ms],
      ["slowest", (row) => row.slowestMs, ms],
      ["requests", (row) => row.requests, count],
    ],
  },
};

const number = (value, { scale, digits }) => (Number.isFinite(value) ? (value * scale).toFixed(digits) : "–");
const name = ({ player, protocol }) => `${players[player].name}, ${protocol.toUpperCase()}`;
function groups(rows, of) {
  const found = new Map();
  for (const row of rows) found.set(of(row), [...(found.get(of(row)) ?? []), row]);
  return [...found];
}

/** Tables of a stage: for each of its kinds, of each player in each protocol. */
function tables(stage, { rows }) {
  const { title, by, about, columns } = SHOWN[stage];
  const kinds = by ? groups(rows, (row) => row[by]) : [["", rows]];
  return kinds.flatMap(([kind, all]) =>
    groups(all, ({ protocol }) => protocol).map(([protocol, some]) => {
      const lines = groups(some, name).map(([player, every]) => {
        const good = every.filter(({ failed }) => !failed);
        return { player, runs: every.length, failed: every.length - good.length, cells: columns.map(([, of]) => ({ ...summary(good.map((row) => of(row) ?? NaN)), all: good.map((row) => of(row) ?? NaN) })) };
      });
      // Protocols are compared with themselves alone.
      const best = columns.map(([, , { more }], place) => {
        const known = lines.map(({ cells }) => cells[place].median).filter(Number.isFinite);
        return known.length > 1 ? (more ? Math.max(...known) : Math.min(...known)) : NaN;
      });
      return { title, about, kind, protocol, columns, lines, best };
    }),
  );
}

function markdown({ kind, protocol, columns, lines, best }) {
  const head = ["", ...columns.map(([label, , { unit }]) => (unit ? `${label}, ${unit}` : label)), "runs"];
  const rows = lines.map(({ player, runs, failed, cells }) => {
    const values = cells.map((cell, place) => {
      const [, , how] = columns[place];
      const text = number(cell.median, how);
      const interval = cell.runs > 1 && cell.low !== cell.high ? ` (${number(cell.low, how)}–${number(cell.high, how)})` : "";
      return (cell.median === best[place] ? `**${text}**` : text) + interval;
    });
    return [player, ...values, failed ? `${runs}, ${failed} failed` : runs];
  });
  const title = [kind, protocol.toUpperCase()].filter(Boolean).join(", ");
  return [`**${title}**`, "", `| ${head.join(" | ")} |`, `|---|${head.slice(1).map(() => "---:").join("|")}|`, ...rows.map((row) => `| ${row.join(" | ")} |`), ""].join("\n");
}

const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

/** A drawing of one column: a line for each player, a dot for each run, the interval as a bar, the median as a stroke. */
function drawing({ columns, lines }, place) {
  const [label, , how] = columns[place];
  const all = lines.flatMap(({ cells }) => cells[place].all).filter(Number.isFinite);
  if (!all.length) return "";
  const [left, width, step] = [170, 430, 22];
  const most = Math.max(...all, 1e-9);
  const x = (value) => (left + (value / most) * width).toFixed(1);
  const rows = lines.map(({ player, cells }, line) => {
    const [y, { median, low, high, all: some }] = [30 + line * step, cells[place]];
    const dots = some.filter(Number.isFinite).map((value) => `<circle cx="${x(value)}" cy="${y}" r="2.5"/>`).join("");
    const bar = Number.isFinite(low) ? `<rect x="${x(low)}" y="${y - 5}" width="${Math.max(1, x(high) - x(low))}" height="10"/><path d="M${x(median)} ${y - 8}v16"/>` : "";
    return `<g class="${player.startsWith("Telecine") ? "ours" : ""}"><text x="${left - 8}" y="${y + 4}" text-anchor="end">${escape(player)}</text>${bar}${dots}<text x="${left + width + 8}" y="${y + 4}">${number(median, how)}</text></g>`;
  });
  return `<svg viewBox="0 0 680 ${lines.length * step + 40}" role="img" aria-label="${escape(label)}"><text x="${left}" y="14" class="label">${escape(label)}${how.unit ? `, ${how.unit}` : ""}</text>${rows.join("")}</svg>`;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.best{font-weight:700}small{color:#666}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(30em,1fr));gap:.5em}
svg{width:100%;font:12px system-ui,sans-serif}circle{fill:#8a8a8a;opacity:.55}rect{fill:#b9c4d0;opacity:.6}path{stroke:#333;stroke-width:2}.ours circle{fill:#d2691e}.ours rect{fill:#f0c9a8}.ours text{font-weight:600}.label{fill:#555}
@media(prefers-color-scheme:dark){body{background:#181818;color:#e6e6e6}td,th{border-color:#444}text{fill:#e6e6e6}path{stroke:#eee}small{color:#aaa}}`;

function html({ columns, lines, best, kind, protocol }) {
  const head = columns.map(([label, , { unit }]) => `<th>${escape(label)}${unit ? `, ${unit}` : ""}</th>`).join("");
  const rows = lines.map(({ player, runs, failed, cells }) => {
    const values = cells.map((cell, place) => {
      const [, , how] = columns[place];
      const interval = cell.runs > 1 && cell.low !== cell.high ? ` <small>${number(cell.low, how)}–${number(cell.high, how)}</small>` : "";
      return `<td${cell.median === best[place] ? ' class="best"' : ""}>${number(cell.median, how)}${interval}</td>`;
    });
    return `<tr><td>${escape(player)}</td>${values.join("")}<td>${failed ? `${runs}, ${failed} failed` : runs}</td></tr>`;
  });
  const plots = columns.map((_, place) => drawing({ columns, lines }, place)).join("");
  return `<h3>${escape([kind, protocol.toUpperCase()].filter(Boolean).join(", "))}</h3><table><tr><th></th>${head}<th>runs</th></tr>${rows.join("")}</table><div class="plots">${plots}</div>`;
}

/** What CDP's throttling reaches: turns of a busy loop, of those without it. */
function reach(rows) {
  const found = rows.flatMap(({ reached }) => (reached ? [reached] : []));
  return ["cdp 4x", "cdp 6x"].flatMap((kind) => {
    const of = (thread) => summary(found.map((one) => one[kind]?.[thread] ?? NaN)).median;
    return found.length ? [`${kind}: a busy loop comes to ${Math.round(100 * of("main"))} % in the page and to ${Math.round(100 * of("worker"))} % in a worker.`] : [];
  });
}

function ofTheModule({ rows }) {
  const lines = groups(rows, ({ network, visit }) => `${network}, ${visit ? `visit ${visit + 1}` : "cold"}`).map(([label, some]) => {
    const cell = (of) => summary(some.map((row) => row[of]));
    const text = (of) => `${cell(of).median.toFixed(1)} (${cell(of).low.toFixed(1)}–${cell(of).high.toFixed(1)})`;
    return [label, ...["head", "compile", "instantiate", "begin", "ready"].map(text), some.length];
  });
  return { head: ["", "answer, ms", "fetch and compile, ms", "instantiate, ms", "begin, ms", "ready, ms", "runs"], lines };
}

/** The way to the first picture: medians of each moment, in their order. */
function ofTheWay({ rows }) {
  return groups(rows.filter(({ failed }) => !failed), ({ network, protocol }) => `${network}, ${protocol.toUpperCase()}`).map(([label, some]) => {
    const of = (visit, moment) => summary(some.map((row) => row[visit][moment])).median;
    const moments = [...new Set(some.flatMap(({ cold, warm }) => [...Object.keys(cold), ...Object.keys(warm)]))];
    const lines = moments.map((moment) => [moment, of("cold", moment), of("warm", moment)]).sort((one, other) => one[2] - other[2]);
    return { label: `${label}, ${some.length} runs`, lines: lines.map(([moment, cold, warm]) => [moment, number(cold, ms), number(warm, ms)]) };
  });
}

/** Failures and errors of pages, each with how often. */
function failures(stages) {
  const counted = new Map();
  for (const [stage, { rows }] of Object.entries(stages)) {
    for (const row of rows) {
      for (const what of [row.failed, ...(row.errors ?? [])].filter(Boolean)) {
        const key = `${stage}: ${row.player ? name(row) : ""}: ${what}`;
        counted.set(key, (counted.get(key) ?? 0) + 1);
      }
    }
  }
  return [...counted].map(([what, times]) => `${what} (${times})`);
}

/** Writes report.md and index.html of all that was found. */
export function report(out, results) {
  const { stages, versions, machine, networks } = results;
  const versionsLine = Object.entries(versions).map(([player, version]) => `${player} ${version}`).join(", ");
  const networksLine = Object.entries(networks).map(([network, { spec }]) => `${network}: ${spec}`).join("; ");
  const text = ["# The web player beside its peers", "", `${versionsLine}. ${machine.processors} processors (${machine.model}), headless Chromium, the demo title (180 to 720 lines).`, `Networks: ${networksLine}. Medians of interleaved runs, with 95 % intervals by bootstrap; bold is the best of its protocol.`, ""];
  const page = [];
  for (const [shown, { from = shown, title, about }] of Object.entries(SHOWN)) {
    const stage = stages[from];
    if (!stage) continue;
    const notes = shown === "throttle" ? reach(stage.rows) : [];
    const when = `${stage.date.slice(0, 16)}, took ${stage.tookS} s, load of the machine ${stage.load.map((load) => load.toFixed(1)).join(" to ")}${shown === "memory" ? `, ${stage.minutes} minutes` : ""}.`;
    const all = tables(shown, shown === "size" ? { rows: stage.rows.filter(({ network }) => network === stage.rows[0].network) } : stage);
    text.push(`## ${title}`, "", `${about} ${when}`, ...notes, "", ...all.map(markdown));
    page.push(`<h2>${escape(title)}</h2><p>${escape([about, when, ...notes].join(" "))}</p>`, ...all.map(html));
  }
  if (stages.module) {
    const { head, lines } = ofTheModule(stages.module);
    text.push("## Start of the module", "", "In the page, apart: request, streaming compilation, instantiation, first call.", "", `| ${head.join(" | ")} |`, `|---|${head.slice(1).map(() => "---:").join("|")}|`, ...lines.map((line) => `| ${line.join(" | ")} |`), "");
    page.push("<h2>Start of the module</h2>", `<table><tr>${head.map((cell) => `<th>${escape(cell)}</th>`).join("")}</tr>${lines.map((line) => `<tr>${line.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`).join("")}</table>`);
  }
  if (stages.profile) {
    text.push("## The way to the first picture", "", "Telecine alone, milliseconds since the navigation, in the order of the warm visit; of requests the first of each kind.", "");
    page.push("<h2>The way to the first picture</h2>");
    for (const { label, lines } of ofTheWay(stages.profile)) {
      text.push(`**${label}**`, "", "| moment | cold | warm |", "|---|---:|---:|", ...lines.map((line) => `| ${line.join(" | ")} |`), "");
      page.push(`<h3>${escape(label)}</h3><table><tr><th>moment</th><th>cold, ms</th><th>warm, ms</th></tr>${lines.map((line) => `<tr>${line.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`).join("")}</table>`);
    }
  }
  const wrong = failures(stages);
  if (wrong.length) {
    text.push("## What failed", "", ...wrong.map((what) => `- ${what}`), "");
    page.push(`<h2>What failed</h2><ul>${wrong.map((what) => `<li>${escape(what)}</li>`).join("")}</ul>`);
  }
  writeFileSync(path.join(out, "report.md"), text.join("\n"));
  writeFileSync(path.join(out, "index.html"), `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The web player beside its peers</title><style>${STYLE}</style><h1>The web player beside its peers</h1><p>${escape(text[2])} ${escape(text[3])}</p>${page.join("\n")}</html>\n`);
}
