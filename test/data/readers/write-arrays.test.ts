import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readArrays, writeArrays, type NdArray } from "../../../lib/data";
import { python } from "../../support/python";
import { temporaryFolder } from "../../support/small-run";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const arrays = new Map<string, NdArray>([
  ["p", { values: Float32Array.of(0.1, -2, 3e-9), shape: [3] }],
  ["U", { values: Float64Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] }],
  ["id", { values: Int32Array.of(7, 8, 9), shape: [3] }],
]);

test(".npz: what is written is read again", async () => {
  const file = join(folder.path, "a.npz");
  await writeArrays(arrays, file);
  expect([...(await readArrays(file))]).toEqual([...arrays]);
});

test(".csv: a column for each channel, with digits that tell float32 apart", async () => {
  const file = join(folder.path, "a.csv");
  await writeArrays(arrays, file);
  const table = await readArrays(file);
  expect([...table.keys()]).toEqual(["p", "U_0", "U_1", "id"]);
  expect(Float32Array.from(table.field("p").values as Float64Array)).toEqual(arrays.get("p")!.values);
  expect(table.field("U_1").values).toEqual(Float64Array.of(2, 4, 6));
});

test("unequal rows in a table, another ending and a missing folder are errors that leave nothing", async () => {
  const odd = new Map(arrays).set("q", { values: Float32Array.of(1), shape: [1] });
  await expect(writeArrays(odd, join(folder.path, "b.csv"))).rejects.toThrow(
    /equally many rows in a table, got 3 in "p" and 1 in "q"/,
  );
  await expect(writeArrays(arrays, join(folder.path, "b.mat"))).rejects.toThrow(/\.npz or \.csv, got \.mat/);
  await expect(writeArrays(arrays, join(folder.path, "none", "b.npz"))).rejects.toThrow(/existing folder/);
  expect(readdirSync(folder.path).sort()).toEqual(["a.csv", "a.npz"]);
});

(python ? test : test.skip)("NumPy reads the archive", async () => {
  const file = join(folder.path, "n.npz");
  await writeArrays(arrays, file);
  const code = `import numpy as np; d = np.load(${JSON.stringify(file)}); print(d["U"].tolist(), d["id"].dtype, d["p"].shape)`;
  expect(execFileSync(python!, ["-c", code], { encoding: "utf8" })).toContain(
    "[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]] int32 (3,)",
  );
});
