import { browser, listen } from "../../../conformance/suite/browser/chromium.mjs";
import { open } from "./harness.mjs";
const chromium = await browser();
const { page, lines } = await open({ url: "http://127.0.0.1:8123", chromium }, {});
await page.evaluate((u) => { player.load(u); player.play(); }, process.argv[2] ?? "http://127.0.0.1:8123/m.m3u8");
await page.waitForTimeout(Number(process.argv[3] ?? 6000));
console.log(lines);
console.log(JSON.stringify(await page.evaluate(async () => ({ told: watch.told.filter(t=>t.type!=="Decision"&&t.type!=="TimedMetadata"), dom: watch.dom, n: watch.pictures.length, p: watch.pictures.slice(-3), ct: watch.video.currentTime, err: watch.video.error?.message, ended: watch.video.ended, hash: await Promise.race([player.actionHash(), new Promise(r=>setTimeout(()=>r("none"),1000))]) })), null, 0));
await chromium.close();
