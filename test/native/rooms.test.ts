/** The rooms of `native/src`: what stands in one includes itself and what stands below it (native/src/README.md). */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const sources = join(__dirname, "..", "..", "native", "src");
/** From the top down; rooms in one row don't know each other. */
const rows = [
  ["files", "jit", "distributed", "transforms", "runtime", "dispatch"],
  ["ops"],
  ["cuda", "kernels"],
  ["napi"],
];
const rooms = rows.flat();
const rowOf = (room: string) => rows.findIndex((row) => row.includes(room));
const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((name) =>
  /\.(cpp|h|cu|cuh)$/.test(name),
);

test("every folder is a room of the list and has a README", () => {
  const folders = readdirSync(sources, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...rooms].sort());
  expect(rooms.filter((room) => !existsSync(join(sources, room, "README.md")))).toEqual([]);
});

test("includes go down only", () => {
  const wrong: string[] = [];
  for (const file of files.filter((name) => name.includes("/"))) {
    const from = file.split("/")[0]!;
    for (const [, path] of readFileSync(join(sources, file), "utf8").matchAll(/^#include "([^"]+)"/gm)) {
      const to = path!.split("/")[0]!;
      if (path!.includes("/") && to !== from && !(rowOf(to) > rowOf(from))) wrong.push(`${file} includes ${path}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("includes name files that exist, from native/src", () => {
  const missing: string[] = [];
  for (const file of files) {
    for (const [, path] of readFileSync(join(sources, file), "utf8").matchAll(/^#include "([^"]+)"/gm)) {
      if (!files.includes(path!)) missing.push(`${file} includes ${path}`);
    }
  }
  expect(missing).toEqual([]);
});

test("what is compiled for one instruction set includes no headers of libtorch and shares no code", () => {
  const kernels = files.filter((name) => name.startsWith("kernels/"));
  const special = kernels.filter((name) => /push_options|immintrin/.test(readFileSync(join(sources, name), "utf8")));
  expect(special.length).toBeGreaterThan(0);
  for (const name of special) {
    const text = readFileSync(join(sources, name), "utf8");
    expect({ name, includes: text.match(/^#include <(ATen|c10|torch)\/.*$/gm) }).toEqual({ name, includes: null });
    if (name.endsWith(".h")) expect({ name, unnamed: /^namespace \{$/m.test(text) }).toEqual({ name, unnamed: true });
  }
});
