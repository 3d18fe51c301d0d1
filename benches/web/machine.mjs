// What the operating system says of a process, and what can be taken from it.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

const read = (place) => {
  try {
    return readFileSync(place, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
};
const TICK_MS = 1000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Fields of a stat line behind the name, which may have spaces and brackets in it; the first is the state. */
const fields = (stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" ");
const spent = (stat) => (stat ? (Number(fields(stat)[11]) + Number(fields(stat)[12])) * TICK_MS : 0);

/** Milliseconds of a processor that a process took so far: all of it, its first thread, and its dedicated workers. */
export function cpu(pid) {
  const used = { all: spent(read(`/proc/${pid}/stat`)), main: 0, workers: 0 };
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const stat = read(`/proc/${pid}/task/${tid}/stat`);
    if (Number(tid) === pid) used.main += spent(stat);
    else if (stat.includes("(DedicatedWorker")) used.workers += spent(stat);
  }
  return used;
}

/** The difference of two readings, as milliseconds in a minute. */
export function perMinute(before, after, seconds) {
  return Object.fromEntries(Object.keys(before).map((name) => [name, ((after[name] - before[name]) * 60) / seconds]));
}

/** Proportional set size of a process, bytes. */
export function pss(pid) {
  return 1024 * Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? NaN);
}

const GROUPS = "/sys/fs/cgroup/cpu";

/** Gives a process a share of one processor, whatever its threads are, until what comes back is called. */
export function quota(pid, share) {
  const group = `${GROUPS}/telecine-bench-${process.pid}-${pid}`;
  mkdirSync(group);
  writeFileSync(`${group}/cpu.cfs_period_us`, "20000");
  writeFileSync(`${group}/cpu.cfs_quota_us`, String(Math.round(20_000 * share)));
  writeFileSync(`${group}/cgroup.procs`, String(pid));
  return () => {
    for (const left of read(`${group}/cgroup.procs`).split("\n").filter(Boolean)) writeFileSync(`${GROUPS}/cgroup.procs`, left);
    rmdirSync(group);
  };
}

/** Whether shares can be given here. */
export function hasQuota() {
  try {
    mkdirSync(`${GROUPS}/telecine-bench-probe`);
    rmdirSync(`${GROUPS}/telecine-bench-probe`);
    return true;
  } catch {
    return false;
  }
}
