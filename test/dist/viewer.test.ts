/** The page of predictions in a real browser, headless and without a network. Skipped, with the reason, where there is no Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { viewerPage } from "../../lib/inference/scene/page";
import { type Scene } from "../../lib/inference/scene/scene";
import { chromium, inBrowser } from "../support/browser";

if (chromium === undefined) console.info("skipped: the page in a browser (no Chromium; CHROMIUM names one)");
const folder = mkdtempSync(join(tmpdir(), "noether-viewer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const base64 = (values: Float32Array | Uint32Array) => Buffer.from(values.buffer).toString("base64");
const field = (values: number[]) => base64(Float32Array.from(values));
const scene = (title: string, factor: number): Scene => ({
  title,
  about: "a tetrahedron <script>",
  domains: [
    {
      name: "surface",
      points: field([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]),
      triangles: base64(Uint32Array.from([0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3])),
      fields: [
        { name: "pressure", components: 1, predicted: field([1, 2, 3, 5].map((x) => factor * x)), truth: field([1, 2, 3, 4]) },
      ],
    },
    {
      name: "volume",
      points: field([2, 0, 0, 3, 0, 0]),
      triangles: null,
      fields: [{ name: "velocity", components: 3, predicted: field([3, 4, 0, 0, 0, 1]), truth: null }],
    },
  ],
});

const CHOOSE = `const choose = (id, value) => { const list = document.getElementById(id); list.value = value; list.dispatchEvent(new Event("change")); };`;
const TICKS = `[...document.getElementById("ticks").children].map((tick) => tick.textContent)`;
/** How many colours the picture has: drawn in the same frame as the scene. */
const COLOURS = `(async () => { ${CHOOSE} choose("shown", "predicted"); const view = document.querySelector("#view canvas"); const copy = document.createElement("canvas"); copy.width = view.width; copy.height = view.height; const context = copy.getContext("2d"); context.drawImage(view, 0, 0); return new Set(new Uint32Array(context.getImageData(0, 0, copy.width, copy.height).data.buffer)).size; })()`;

(chromium ? test : test.skip)(
  "shows fields, their difference to the truth and several cases, from a file alone",
  async () => {
    const file = join(folder, "page.html");
    writeFileSync(file, viewerPage([scene("first", 1), scene("second", 2)]));
    const { values, errors } = await inBrowser(folder, pathToFileURL(file).href, [
      `[document.getElementById("title").textContent, document.getElementById("about").textContent]`,
      `[...document.getElementById("field").options].map(({ value }) => value)`,
      `[...document.getElementById("beside").options].map(({ value }) => value)`,
      TICKS,
      COLOURS,
      `${CHOOSE} choose("shown", "difference"); ${TICKS}`,
      `{ ${CHOOSE} choose("shown", "predicted"); choose("field", "|velocity|"); } ${TICKS}`,
      `{ ${CHOOSE} choose("case", "1"); choose("field", "pressure"); choose("beside", "truth"); } [document.getElementById("title").textContent, ...${TICKS}, ...[...document.getElementById("names").children].map((name) => name.textContent)]`,
      `performance.getEntriesByType("resource").length`,
    ]);
    expect(errors).toEqual([]);
    expect(values[0]).toEqual(["first", "a tetrahedron <script>"]);
    expect(values[1]).toEqual(["pressure", "|velocity|", "velocity x", "velocity y", "velocity z"]);
    expect(values[2]).toEqual(["", "truth", "difference"]);
    expect(values[3]).toEqual(["1", "2", "3", "4", "5"]);
    expect(values[4]).toBeGreaterThan(20);
    expect(values[5]).toEqual(["-1", "-0.5", "0", "0.5", "1"]);
    expect(values[6]).toEqual(["1", "2", "3", "4", "5"]);
    expect(values[7]).toEqual(["second", "1", "3.25", "5.5", "7.75", "10", "predicted", "truth"]);
    expect(values[8]).toBe(0);
  },
  60_000,
);
