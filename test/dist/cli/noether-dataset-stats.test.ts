import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli, startCli } from "./run-cli";

const DATASET = `
import { Dataset, StandardDatasetConfig } from "noether-ts/data";
import { optional, int } from "noether-ts/config";
import { tensor } from "noether-ts/torch";

const Config = StandardDatasetConfig.extend("WingsConfig", { fields: { size: optional(int()) } });

export class Wings extends Dataset {
  static schema = Config;
  constructor(config) {
    super(config);
    this.addGetter("surface_pressure", async (index) => {
      if (config.root === "slow") {
        process.stdout.write("reading\\n");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (config.root === "broken" && index === 1) throw new Error("cannot read sample 1");
      return tensor([[index], [index + 1]]);
    }, { normalize: true });
    this.addGetter("surface_position", (index) => tensor([[index, 0, 1]]));
  }
  get length() { return this.config.size ?? (this.config.split === "train" ? 3 : 2); }
}

/** No config class of its own, and no split. */
export class Plain extends Dataset {
  constructor(config) {
    super(config);
    this.addGetter("x", (index) => tensor([index]));
  }
  get length() { return 4; }
}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noether-stats-"));
  writeFileSync(join(folder, "wings.ts"), DATASET);
});
afterAll(() => rmSync(folder, { recursive: true }));

const wings = ["--dataset_kind", "./wings.ts#Wings"];
const run = (...args: string[]) => runCli("noether-dataset-stats", args, folder);
const json = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>;

test("prints the moments of each field and writes them", () => {
  const { code, stdout, stderr } = run(...wings, "--root", "12", "--output_json", "out/stats.json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: `written: ${join(folder, "out", "stats.json")}\n` });
  expect(stdout).toMatch(/^Wings: 3 samples\n\nsurface_position\n {2}Mean: \(1\.00000e\+00, 0\.0/);
  expect(stdout).toContain("surface_pressure\n  Mean: (1.50000e+00,)\n  Std: (1.04881e+00,)\n  Var: (1.10000e+00,)\n  Min: 0.00000e+00\n  Max: 3.00000e+00\n  Count: 6\n"); // prettier-ignore
  expect(json("out/stats.json")).toMatchObject({
    surface_pressure_mean: [1.5],
    surface_pressure_min: 0,
    surface_pressure_count: 6,
    surface_pressure_log_scale: false,
    surface_position_max: [2, 0, 1],
  });
});

test("a split, fields on the log scale and left out, the form of 1.1, noether-ts data stats", () => {
  const more = ["--split", "val", "--log_scale=surface_pressure", "--exclude_attributes", "surface_position", "--root=x"];
  const { code, stdout } = runCli("noether-ts", ["data", "stats", ...wings, ...more, "--output_json", "old.json", "--json_format", "1.1", "--num_workers", "2"], folder); // prettier-ignore
  expect(code).toBe(0);
  expect(stdout).toContain("surface_pressure (log scale)\n");
  expect(json("old.json")).toEqual({
    surface_pressure: expect.objectContaining({ min: 0, count: 4, log_scale: true }) as unknown,
  });
});

test("FolderDataset without a class of one's own: no splits, none is asked for", () => {
  for (const [name, pressure] of [["a", 1], ["b", 4]]) {
    mkdirSync(join(folder, "cases", String(name)), { recursive: true });
    const vtk = `# vtk DataFile Version 3.0\ncase\nASCII\nDATASET POLYDATA\nPOINTS 2 float\n0 0 0 1 2 3\nVERTICES 2 4\n1 0 1 1\nPOINT_DATA 2\nSCALARS p float 1\nLOOKUP_TABLE default\n${pressure} ${pressure}\n`;
    writeFileSync(join(folder, "cases", String(name), "surface.vtk"), vtk);
  }
  const domains = "{ surface: { file: surface.vtk, position: points, pressure: p } }";
  const { code, stderr } = run("--dataset_kind", "noether.data.datasets.FolderDataset", "--root", ".", "--cases", "cases/*/", "--domains", domains, "--output_json", "folder.json"); // prettier-ignore
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("written") as unknown });
  expect(json("folder.json")).toMatchObject({ surface_pressure_mean: [2.5], surface_pressure_count: 4, surface_position_max: [1, 2, 3] }); // prettier-ignore
});

test("a data set without splits gets none", () => {
  expect(run("--dataset_kind", "./wings.ts#Plain")).toMatchObject({ code: 0, stderr: "" });
  const { code, stderr } = run("--dataset_kind", "./wings.ts#Plain", "--split", "test");
  expect(code).toBe(1);
  expect(stderr).toMatch(/split: unknown key/);
});

test.each([
  [["--root", "x", "--rooot", "y"], 1, /rooot: unknown key.*root/],
  [[], 1, /root: missing value/],
  [["--root", "x", "--split", "all"], 1, /split: expected "train" or "val" or "test"/],
  [["--root", "x", "--exclude_attributes", "surface_pressur"], 1, /did you mean "surface_pressure"/],
  [["--root", "x", "--size", "0"], 1, /empty data set/],
  [["--root", "x", "word"], 2, /expected --option value/],
])("%j", (args, exitCode, problem) => {
  const { code, stdout, stderr } = run(...wings, ...args);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  expect(stderr).toMatch(problem);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test("a sample that cannot be read: an older file stays as it was", () => {
  writeFileSync(join(folder, "kept.json"), "older");
  const { code, stderr } = run(...wings, "--root", "broken", "--output_json", "kept.json");
  expect(code).toBe(1);
  expect(stderr).toContain("cannot read sample 1");
  expect(readFileSync(join(folder, "kept.json"), "utf8")).toBe("older");
});

test("a file that cannot be written is found out before a sample is read", () => {
  mkdirSync(join(folder, "taken.json"));
  const { code, stderr } = run(...wings, "--root", "broken", "--output_json", "taken.json");
  expect(code).toBe(1);
  expect(stderr).toContain("expected a file there, found a directory");
});

test("Ctrl-C: says so, writes nothing, exit code 130", async () => {
  writeFileSync(join(folder, "kept.json"), "older");
  const child = startCli("noether-dataset-stats", [...wings, "--root", "slow", "--size", "10000", "--output_json", "kept.json"], folder); // prettier-ignore
  let stderr = "";
  child.stderr!.on("data", (text: Buffer) => (stderr += text.toString()));
  child.stdout!.once("data", () => child.kill("SIGINT"));
  const code = await new Promise((done) => child.once("close", done));
  expect(stderr).toMatch(/interrupted after \d+ of 10000 samples; nothing was written to .*kept\.json/);
  expect(code).toBe(130);
  expect(readFileSync(join(folder, "kept.json"), "utf8")).toBe("older");
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
