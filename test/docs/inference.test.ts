/** The examples of docs/inference.md, forces.md and export.md, run in a folder with a run and the cases that they name. */
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { transformSync } from "@swc/core";
import { evaluate } from "../../lib/cli/evaluate";
import { exportCommand } from "../../lib/cli/export";
import { predict } from "../../lib/cli/predict";
import { getNumThreads, setNumThreads } from "../../lib/torch";
import { python } from "../support/python";
import { temporaryFolder } from "../support/small-run";
import { trainSpheres, writeSphereCase } from "../support/sphere-run";

const page = ["inference", "forces", "export"]
  .map((name) => readFileSync(join(__dirname, "..", "..", "docs", `${name}.md`), "utf8"))
  .join("\n");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, "g"))].map((match) => match[1]!);
const commands = blocks("sh").flatMap((block) => block.trim().split("\n"));

/** Runs TypeScript and returns what it printed. */
async function run(code: string): Promise<unknown[][]> {
  const [imports, body] = [code.match(/^import .*$/gm) ?? [], code.replace(/^import .*$/gm, "")];
  const asModule = `${imports.join("\n")}\nexport async function main() {\n${body}\n}`;
  const js = transformSync(asModule, {
    jsc: { target: "es2022", parser: { syntax: "typescript", explicitResourceManagement: true } as never },
    module: { type: "commonjs" },
  }).code;
  const exported: { main?: () => Promise<void> } = {};
  const log = jest.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    new Function("require", "exports", js)(
      (name: string): unknown => jest.requireActual(name.replace("noether-ts", "../../lib")),
      exported,
    );
    await exported.main!();
    return log.mock.calls;
  } finally {
    log.mockRestore();
  }
}

const folder = temporaryFolder();
const before = process.cwd();
const threads = getNumThreads();
let printed = "";
beforeAll(async () => {
  setNumThreads(1);
  const trained = await trainSpheres(folder.path);
  mkdirSync(join(folder.path, "outputs", "2026-01-31_x7k2p"));
  cpSync(trained, join(folder.path, "outputs", "2026-01-31_x7k2p", "train"), { recursive: true });
  for (const number of [7, 8])
    await writeSphereCase(join(folder.path, "cases", `case_${number}`), { radius: 1 + number / 100 });
  process.chdir(folder.path);
}, 60_000);
afterAll(() => {
  process.chdir(before);
  setNumThreads(threads);
  folder.remove();
});
beforeEach(() => {
  printed = "";
  jest.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
});
afterEach(() => jest.restoreAllMocks());

test("loading and predicting a case", async () => {
  const [[inputs, outputs], [shape]] = (await run(blocks("ts")[0]!)) as [[string[], string[]], [number[]]];
  expect(inputs).toEqual(["surface_position 3", "volume_position 3", "inflow 1"]);
  expect(outputs).toEqual(["surface_pressure", "surface_friction", "volume_velocity"]);
  expect(shape).toEqual([62]);
});

test("predicting arrays", async () => {
  expect(await run(blocks("ts")[1]!)).toEqual([[2, 5], [4, 5], [5, 5], [[1, 3]]]);
});

const known: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  predict,
  evaluate,
  export: exportCommand,
};
test.each(commands)("%s", async (command) => {
  const [npx, name, subcommand, ...args] = command.split(/\s+/);
  expect([npx, name]).toEqual(["npx", "noether-ts"]);
  expect(await known[subcommand!]!(args)).toBe(0);
  expect(printed).not.toBe("");
  for (const [at, option] of args.entries())
    if (["-o", "--png", "--html", "--summary"].includes(option)) expect(existsSync(args[at + 1]!)).toBe(true);
});

test("forces and coefficients were printed", async () => {
  await predict(
    commands
      .find((command) => command.includes("--length"))!
      .split(/\s+/)
      .slice(3),
  );
  expect(printed).toMatch(/^ {2}cm_pitch +\S+ +\S+$/m);
});

(python ? test : test.skip)("Python reads what was exported", () => {
  execFileSync(python!, [
    "-c",
    `${blocks("python")[0]!}\nassert float(pressure(torch.zeros(1))) == float(-step["shift"])`,
  ]);
});

test("every option of loadRun is on the page", () => {
  for (const option of [
    "checkpoint",
    "weights",
    "device",
    "dataset",
    "project",
    "model",
    "pipeline",
    "normalizers",
    "statistics",
  ])
    expect(page).toContain(`\`${option}\``);
});
