/** The examples of docs/readers.md, run in a folder with the files that they name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "@swc/core";
import { FieldMap, Mesh, readArrays, readMesh, writeMesh } from "../../lib/data";

const page = readFileSync(join(__dirname, "..", "..", "docs", "readers.md"), "utf8");
const examples = [...page.matchAll(/```ts\n([^]*?)```/g)].map((match) => match[1]!);
const packages: Record<string, () => unknown> = {
  "noether-ts/data": () => jest.requireActual("../../lib/data"),
  "noether-ts/torch": () => jest.requireActual("../../lib/torch"),
};

/** Runs TypeScript and returns what it printed. */
async function run(code: string): Promise<unknown[][]> {
  const [imports, body] = [code.match(/^import .*$/gm) ?? [], code.replace(/^import .*$/gm, "")];
  const asModule = `${imports.join("\n")}\nexport async function main() {\n${body}\n}`;
  const js = transformSync(asModule, {
    jsc: { target: "es2022", parser: { syntax: "typescript" } },
    module: { type: "commonjs" },
  }).code;
  const exported: { main?: () => Promise<void> } = {};
  const log = jest.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    new Function("require", "exports", js)((name: string) => packages[name]!(), exported);
    await exported.main!();
    return log.mock.calls;
  } finally {
    log.mockRestore();
  }
}

const folder = mkdtempSync(join(tmpdir(), "noether-docs-"));
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

test("reading and writing a mesh", async () => {
  const pointData = new FieldMap([
    ["p", { values: new Float32Array([1, 2]), shape: [2] }],
    ["U", { values: new Float32Array(6), shape: [2, 3] }],
  ]);
  await writeMesh(new Mesh({ points: new Float32Array(6), pointData }), "wing.vtu");
  const [printed] = await run(examples[0]!);
  expect(printed![0]).toBe(2);
  expect(printed![3]).toEqual([2, 3]);
  expect([...(await readMesh("copy.vtu")).pointData.field("p").values]).toEqual([1, 2]);
});

test("reading a table and writing an array", async () => {
  writeFileSync("drag.csv", "case,cd\na,0.5\nb,0.25\n");
  const [printed] = await run(examples[1]!);
  expect(printed).toEqual([Float64Array.from([0.5, 0.25]), ["a", "b"]]);
  expect([...(await readArrays("cd.npy")).field("cd").values]).toEqual([0.5, 0.25]);
});
