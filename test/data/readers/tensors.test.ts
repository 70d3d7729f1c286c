/** Files of tensors as arrays; what is in such files is compared with PyTorch in test/torch. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileFormatError, readArrays } from "../../../lib/data/readers";
import { FileNotFoundError } from "../../../lib/config/python-errors";
import { saveSafetensors, save, scope, tensor } from "../../../lib/torch";

const folder = mkdtempSync(join(tmpdir(), "noether-tensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

test("a tensor alone has the name of the file", async () => {
  scope(() => save(tensor([[1, 2, 3]]), at("points.pt")));
  const arrays = await readArrays(at("points.pt"));
  expect([...arrays]).toEqual([["points", { values: Float32Array.of(1, 2, 3), shape: [1, 3] }]]);
});

test("names inside each other are joined, what is no tensor is left out", async () => {
  scope(() =>
    save(
      { fields: { p: tensor([1, 2], { dtype: "float64" }) }, list: [tensor([7], { dtype: "int64" })], name: "a" },
      at("case.th"),
    ),
  );
  const arrays = await readArrays(at("case.th"));
  expect([...arrays]).toEqual([
    ["fields/p", { values: Float64Array.of(1, 2), shape: [2] }],
    ["list/0", { values: BigInt64Array.of(7n), shape: [1] }],
  ]);
});

test("half precision becomes float32, booleans bytes; only the wanted ones are given", async () => {
  scope(() =>
    saveSafetensors(
      { a: tensor([0.5], { dtype: "bfloat16" }), b: tensor([true, false], { dtype: "bool" }), c: tensor([1]) },
      at("a.safetensors"),
    ),
  );
  expect([...(await readArrays(at("a.safetensors"), { names: ["a", "b"] }))]).toEqual([
    ["a", { values: Float32Array.of(0.5), shape: [1] }],
    ["b", { values: Uint8Array.of(1, 0), shape: [2] }],
  ]);
});

test.each(["damaged.pt", "damaged.safetensors"])("%s", async (name) => {
  writeFileSync(at(name), "neither the one nor the other");
  await expect(readArrays(at(name))).rejects.toThrow(FileFormatError);
});

test("a file that is missing", async () => {
  await expect(readArrays(at("none.pt"))).rejects.toThrow(FileNotFoundError);
});
