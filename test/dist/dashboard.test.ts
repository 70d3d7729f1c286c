/** The dashboard in a real browser, headless. Skipped, with the reason, where there is no Chromium. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawComparison, Mesh } from "../../lib/data";
import { pictureFile, PICTURES } from "../../lib/core/runs";
import { createDashboard } from "../../lib/training/dashboard/server";
import { chromium, inBrowser } from "../support/browser";

if (chromium === undefined) console.info("skipped: the dashboard in a browser (no Chromium; CHROMIUM names one)");
const folder = mkdtempSync(join(tmpdir(), "noether-dashboard-"));
const outputs = join(folder, "outputs");
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const line = (update: number, loss: number) =>
  `${JSON.stringify({ epoch: 1, update, sample: update, "loss/online/total/U1": loss, "train_time/forward/mean/U1": 0.1, "train_time/backward/mean/U1": 0.2 })}\n`;

function makeRuns(): void {
  for (const [id, lr] of [
    ["2026_<b>a</b>", 0.1],
    ["2026_b", 0.2],
  ] as const) {
    const run = join(outputs, id, "train");
    mkdirSync(join(run, "tracker"), { recursive: true });
    writeFileSync(join(run, "hp_resolved.yaml"), `name: wing\nseed: 1\nmodel: { lr: ${lr} }\n`);
    writeFileSync(join(run, "log.txt"), `2026-01-31T12:00:00 I this is ${id}\n`);
    writeFileSync(join(run, "tracker", "summary.yaml"), "{}\n");
    writeFileSync(join(run, "tracker", "metrics.jsonl"), Array.from({ length: 300 }, (_, u) => line(u + 1, lr / (u + 1))).join(""));
  }
  mkdirSync(join(outputs, "sweep"));
  writeFileSync(join(outputs, "sweep", "results.csv"), "model.lr,loss/test/total\n0.1,0.5\n0.2,0.25\n");
  const mesh = new Mesh({ points: Float64Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0) });
  const pngs = drawComparison(
    { name: "p", mesh, location: "points", predicted: Float32Array.of(1, 2, 3), truth: Float32Array.of(1, 2, 4) },
    { width: 200, height: 100 },
  );
  for (const [shows, png] of Object.entries(pngs)) {
    const file = join(outputs, "2026_b/train", PICTURES, pictureFile("test/0/p", 300, shows));
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, png);
  }
}

/** What becomes true within some seconds. */
const until = (condition: string) =>
  `(async () => { for (let i = 0; i < 400; i++) { if (${condition}) return true; await new Promise((resolve) => setTimeout(resolve, 25)); } return false; })()`;
const tab = (name: string) => `[...document.querySelectorAll("nav button")].find((button) => button.textContent === "${name}").click()`;
const PLOTS = `document.querySelectorAll(".u-over").length`;
/** What the first chart's canvas shows: pixels that are neither grey nor empty. */
const COLOURED = `(() => { const canvas = document.querySelector('[data-metric="loss/online/total"] canvas'); const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height); let count = 0; for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 128 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) count++; return count; })()`;

(chromium ? describe : describe.skip)("the dashboard", () => {
  let server: Awaited<ReturnType<typeof createDashboard>>;
  let address: string;
  beforeAll(async () => {
    makeRuns();
    server = await createDashboard(outputs, { pollEvery: 50 });
    address = await server.listen({ host: "127.0.0.1", port: 0 });
  });
  afterAll(() => server.close());

  test("draws curves, filters and marks runs, and shows configs, pictures, logs and sweeps", async () => {
    const { values, errors } = await inBrowser(folder, address, [
      until(`${PLOTS} >= 2`),
      `[...document.querySelectorAll("#runs b")].map(({ textContent }) => textContent)`,
      `${COLOURED} > 100`,
      `document.getElementById("none").click()`,
      until(`${PLOTS} === 0 && document.querySelector(".empty") !== null`),
      `document.getElementById("all").click()`,
      until(`${PLOTS} >= 2`),
      `{ const filter = document.getElementById("filter"); filter.value = "2026_b loss/online/total<0.001"; filter.dispatchEvent(new Event("input")); [...document.querySelectorAll("#runs b")].map(({ textContent }) => textContent) }`,
      `document.querySelector("#runs .star").click()`,
      until(`document.querySelector("#runs .star").getAttribute("aria-pressed") === "true"`),
      tab("Config"),
      until(`document.querySelector("tbody") !== null`),
      `[...document.querySelectorAll("tbody tr")].map((row) => [...row.cells].map(({ textContent }) => textContent))`,
      tab("Pictures"),
      until(`[...document.images].length === 3 && [...document.images].every(({ naturalWidth }) => naturalWidth === 200)`),
      `[...document.querySelectorAll("figcaption")].map(({ textContent }) => textContent)`,
      tab("Log"),
      until(`document.querySelector("pre")?.textContent.includes("this is 2026_")`),
      tab("Sweeps"),
      until(`document.querySelector("th")?.textContent === "model.lr"`),
      `document.querySelectorAll("th button")[1].click()`,
      `[...document.querySelectorAll("tbody tr")].map((row) => row.cells[1].textContent)`,
      `document.querySelectorAll("b b").length`,
    ]);
    expect(errors).toEqual([]);
    expect(values.flatMap((value, step) => (value === false ? [step] : []))).toEqual([]);
    expect(values[1]).toEqual(["2026_<b>a</b>/train", "2026_b/train"].sort());
    expect(values[2]).toBe(true);
    expect(values[7]).toEqual(["2026_b/train"]);
    expect(JSON.parse(readFileSync(join(outputs, ".dashboard.json"), "utf8"))).toEqual({ starred: ["2026_b/train"] });
    expect(values[12]).toEqual([["model.lr", "0.1", "0.2"]]);
    expect(values[15]).toEqual(["predicted", "true", "difference"]);
    expect(values[21]).toEqual(["0.25", "0.5"]);
    expect(values[22]).toBe(0);
  }, 60_000);

  test.each(["light", "dark"] as const)(
    "on a narrow screen in %s colours nothing is wider than the screen, and the list opens over the charts",
    async (colours) => {
      const { values, errors } = await inBrowser(
        folder,
        address,
        [
          until(`${PLOTS} >= 2`),
          `document.documentElement.scrollWidth <= innerWidth && document.querySelector("main").scrollWidth <= innerWidth`,
          `getComputedStyle(document.querySelector("aside")).display`,
          `document.getElementById("menu").click()`,
          `getComputedStyle(document.querySelector("aside")).display`,
          `getComputedStyle(document.body).backgroundColor`,
        ],
        { width: 390, height: 844, colours },
      );
      expect(errors).toEqual([]);
      const background = colours === "light" ? "rgb(238, 241, 245)" : "rgb(17, 20, 26)";
      expect(values).toEqual([true, true, "none", undefined, "flex", background]);
    },
    60_000,
  );

  test("follows a run while it trains", async () => {
    const file = join(outputs, "2026_b/train/tracker/metrics.jsonl");
    const timer = setInterval(() => appendFileSync(file, line(301, 1)), 200);
    const { values, errors } = await inBrowser(folder, address, [
      until(`document.getElementById("live").className === "on"`),
      until(`document.getElementById("runs").textContent.includes("update 301")`),
    ]);
    clearInterval(timer);
    expect(errors).toEqual([]);
    expect(values).toEqual([true, true]);
  }, 60_000);
});
