/**
 * The dashboard with 100 runs of 100,000 updates, in headless Chromium: how long until all curves are there, and again when they are
 * smoothed, and how long the page is busy with it.
 *
 *     npx tsx benchmarks/dashboard.ts [--runs 100] [--updates 100000]
 */
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDashboard } from "../lib/training/dashboard/server";
import { inBrowser } from "../test/support/browser";

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "100" }, updates: { type: "string", default: "100000" } },
});
const [runs, updates] = [Number(options.runs), Number(options.updates)];

async function makeRun(folder: string, index: number): Promise<void> {
  mkdirSync(join(folder, "tracker"), { recursive: true });
  writeFileSync(join(folder, "hp_resolved.yaml"), `name: wing\nseed: ${index}\n`);
  writeFileSync(join(folder, "log.txt"), "");
  writeFileSync(join(folder, "tracker", "summary.yaml"), "{}\n");
  const file = createWriteStream(join(folder, "tracker", "metrics.jsonl"));
  let text = "";
  for (let update = 1; update <= updates; update++) {
    const loss = (1 + index / runs) / (1 + update / 500) + 0.01 * Math.sin(update * 12.9898 * (index + 1));
    text += `{"epoch":1,"update":${update},"sample":${update * 4},"loss/online/total/U1":${loss.toPrecision(8)}}\n`;
    if (text.length > 2 ** 20 && !file.write(text)) await once(file, "drain");
    if (text.length > 2 ** 20) text = "";
  }
  file.end(text);
  await once(file, "close");
}

/** Runs in the page: seconds until the condition holds, and the longest time that the page was busy meanwhile. */
const timed = (action: string, condition: string) => `(async () => {
  const start = performance.now();
  let last = start, busy = 0;
  ${action}
  for (let i = 0; i < 6000; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    busy = Math.max(busy, performance.now() - last - 5);
    last = performance.now();
    if (${condition}) return [(last - start) / 1000, busy / 1000];
  }
  return null;
})()`;
/** Answers with curves so far, and whether the last one had those of all runs. */
const COUNT = `performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("/api/charts")).length`;
const answered = `${COUNT} > window.requests && document.getElementById("pending").textContent === ""`;
const all = `window.requests = ${COUNT}; document.getElementById("all").click();`;
/** Smooths all curves. */
const smooth = (weight: number) => `{
  window.requests = ${COUNT};
  const input = document.querySelector('[aria-label="smoothing"]');
  input.value = ${weight};
  input.dispatchEvent(new Event("input"));
}`;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "noether-dashboard-bench-"));
  try {
    for (let index = 0; index < runs; index++)
      await makeRun(join(folder, "outputs", `run_${String(index).padStart(3, "0")}`), index);
    const server = await createDashboard(join(folder, "outputs"), {});
    const address = await server.listen({ host: "127.0.0.1", port: 0 });
    try {
      const { values, errors } = await inBrowser(
        folder,
        address,
        [
          timed("", `document.querySelectorAll("#runs b").length >= ${Math.min(runs, 100)}`),
          timed(all, answered),
          timed(smooth(0.5), answered),
          timed(smooth(0.9), answered),
        ],
        { width: 1280, height: 850 },
      );
      if (errors.length > 0) throw new Error(errors.join("\n"));
      const row = (name: string, value: unknown): string => {
        const [seconds, busy] = (value ?? [NaN, NaN]) as [number, number];
        return `| ${name} | ${seconds.toFixed(2)} | ${busy.toFixed(2)} |`;
      };
      console.log(
        `| dashboard, ${runs} runs of ${updates} updates | seconds | longest pause of the page, s |\n|---|---|---|`,
      );
      console.log(row("the list of runs", values[0]));
      console.log(row("curves of all runs, read for the first time", values[1]));
      console.log(row("the same, smoothed", values[2]));
      console.log(row("the same, smoothed more", values[3]));
      console.log(`\nThe process holds ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB.`);
    } finally {
      await server.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
