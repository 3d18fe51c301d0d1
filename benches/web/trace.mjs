// Chromium's own trace: what each thread of the renderer was busy with.

/** Traces a page while something is awaited; its events. */
export async function traced(page, categories, during) {
  const session = await page.context().newCDPSession(page);
  const events = await recorded(session, categories, during);
  await session.detach();
  return events;
}

/** The same of a session. */
async function recorded(session, categories, during) {
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const whole = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: [...categories, "__metadata"], excludedCategories: ["*"] } });
  await during();
  await session.send("Tracing.end");
  await whole;
  return events;
}

/** The process that renders a page. */
export async function renderer(page) {
  return rendererOf(await traced(page, ["disabled-by-default-devtools.timeline"], async () => {}), page.url());
}

/** The same of a page's session. */
export async function rendererBy(session, url) {
  return rendererOf(await recorded(session, ["disabled-by-default-devtools.timeline"], async () => {}), url);
}

function rendererOf(events, page) {
  const frames = events.find(({ name }) => name === "TracingStartedInBrowser")?.args.data.frames ?? [];
  const pid = frames.find(({ url }) => url === page)?.processId;
  if (!pid) throw new Error("the trace names no renderer");
  return pid;
}

/** Tasks of threads by the thread's name, in the process that has the busiest main thread of a page. */
export function busy(events) {
  const names = new Map();
  for (const { name, pid, tid, args } of events) if (name === "thread_name") names.set(`${pid}/${tid}`, args.name);
  const threads = new Map();
  for (const { name, pid, tid, dur = 0 } of events) {
    if (name !== "RunTask" && name !== "ThreadControllerImpl::RunTask") continue;
    const key = `${pid}/${tid}`;
    const thread = threads.get(key) ?? { pid, name: names.get(key) ?? "", busyMs: 0, longestMs: 0 };
    thread.busyMs += dur / 1000;
    thread.longestMs = Math.max(thread.longestMs, dur / 1000);
    threads.set(key, thread);
  }
  const all = [...threads.values()];
  const main = all.filter(({ name }) => name === "CrRendererMain").sort((a, b) => b.busyMs - a.busyMs)[0];
  if (!main) throw new Error("the trace has no main thread");
  const workers = all.filter(({ name, pid }) => pid === main.pid && name.startsWith("DedicatedWorker"));
  return { main, workers: { busyMs: workers.reduce((sum, { busyMs }) => sum + busyMs, 0), longestMs: Math.max(0, ...workers.map(({ longestMs }) => longestMs)) } };
}
