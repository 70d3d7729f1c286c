import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arange, countTensors, ones, scope, tensor, type Tensor } from "../../../lib/torch";
import {
  CheckpointError,
  loadSafetensors,
  loadSafetensorsAsync,
  save,
  saveSafetensors,
  saveSafetensorsAsync,
} from "../../../lib/torch/serialization";
import { describeValue } from "./describe";
import { expected, fixtures, golden, temporaryFolder } from "./fixtures";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const shown = (tensors: ReadonlyMap<string, Tensor>) =>
  Object.fromEntries([...tensors].map(([name, value]) => [name, describeValue(value)]));
const fixture = join(fixtures, "dtypes.safetensors");

describe("load", () => {
  test.each([false, true])("every dtype as the reference implementation wrote it (mmap: %s)", (mmap) => {
    const { tensors, metadata } = loadSafetensors(fixture, { mmap });
    expect(shown(tensors)).toEqual(expected.safetensors);
    expect(metadata).toEqual({ kind: "test", text: "空力" });
  });

  test("from bytes and asynchronously", async () => {
    expect(shown(loadSafetensors(readFileSync(fixture)).tensors)).toEqual(expected.safetensors);
    expect(shown((await loadSafetensorsAsync(fixture)).tensors)).toEqual(expected.safetensors);
  });

  test("a golden case", () => {
    const { tensors, metadata } = loadSafetensors(join(golden, "ab_upt.safetensors"));
    expect(metadata.kind).toBeDefined();
    expect([...tensors.keys()].some((name) => name.startsWith("weight."))).toBe(true);
  });

  test("tensors leave their scope with the result", () => {
    const before = countTensors();
    scope(() => void loadSafetensors(fixture));
    expect(countTensors()).toBe(before);
  });
});

describe("save", () => {
  test("comes back, views and all dtypes", () => {
    const { tensors } = loadSafetensors(fixture);
    const path = at("again.safetensors");
    const base = arange(6).to("float32").reshape([2, 3]);
    const all = new Map([
      ...tensors,
      ["transposed", base.t()],
      ["row", base.index(1)],
      [
        "conj",
        tensor([1, 2])
          .to("complex64")
          .mul(tensor([1, 2]))
          .conj(),
      ],
    ]);
    saveSafetensors(all, path, { metadata: { step: "10" } });
    const loaded = loadSafetensors(path);
    expect(loaded.metadata).toEqual({ step: "10" });
    for (const [name, value] of tensors) expect(describeValue(loaded.tensors.get(name))).toEqual(describeValue(value));
    expect(loaded.tensors.get("transposed")!.toArray()).toEqual(base.t().toArray());
    expect(loaded.tensors.get("row")!.toArray()).toEqual([3, 4, 5]);
  });

  test("takes a plain object, and data are aligned for their dtypes", () => {
    const path = at("aligned.safetensors");
    saveSafetensors(
      { a: ones([3], { dtype: "uint8" }), b: ones([2], { dtype: "float64" }), c: ones([5], { dtype: "bfloat16" }) },
      path,
    );
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, { data_offsets: number[] }>;
    expect(Object.fromEntries(Object.entries(header).map(([name, { data_offsets }]) => [name, data_offsets]))).toEqual({
      b: [0, 16],
      c: [16, 26],
      a: [26, 29],
    });
  });

  test("asynchronously, whatever becomes of the tensors' scope", async () => {
    const saved: Promise<void>[] = [];
    scope(() => {
      saved.push(saveSafetensorsAsync({ a: ones([1000]).mul(2) }, at("scoped.safetensors")));
    });
    await Promise.all(saved);
    expect(loadSafetensors(at("scoped.safetensors")).tensors.get("a")!.sum().item()).toBe(2000);
  });

  test("nothing at all", async () => {
    await saveSafetensorsAsync(new Map(), at("empty.safetensors"));
    expect(loadSafetensors(at("empty.safetensors"))).toEqual({ tensors: new Map(), metadata: {} });
  });

  test.each<[string, Record<string, Tensor>, Record<string, string> | undefined, RegExp]>([
    ["complex128", { z: ones([1], { dtype: "complex128" }) }, undefined, /"z", got complex128/],
    ["the reserved name", { __metadata__: ones([1]) }, undefined, /__metadata__/],
    ["metadata that are no strings", { a: ones([1]) }, { n: 1 as never }, /metadata "n"/],
    ["what is no tensor", { a: [1] as never }, undefined, /expected a tensor for "a"/],
  ])("refuses %s", (_, tensors, metadata, message) => {
    expect(() => saveSafetensors(tensors, at("refused.safetensors"), { metadata })).toThrow(CheckpointError);
    expect(() => saveSafetensors(tensors, at("refused.safetensors"), { metadata })).toThrow(message);
  });
});

const file = (header: unknown, data: number | Buffer = 8): Buffer => {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, typeof data === "number" ? Buffer.alloc(data) : data]);
};
const entry = (changes: object = {}) => ({ dtype: "F32", shape: [2], data_offsets: [0, 8], ...changes });

describe("as the reference implementation has it", () => {
  test("metadata may be null", () => {
    expect(loadSafetensors(file({ __metadata__: null, a: entry() })).metadata).toEqual({});
  });

  test("blanks may stand before the header", () => {
    const header = Buffer.from(` \n${JSON.stringify({ a: entry() })}`);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    expect([...loadSafetensors(Buffer.concat([length, header, Buffer.alloc(8)])).tensors.keys()]).toEqual(["a"]);
  });

  test("F4 counts elements of half a byte, the tensor pairs of them", () => {
    const bytes = file(
      { a: { dtype: "F4", shape: [2, 8], data_offsets: [0, 8] } },
      Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]),
    );
    const a = loadSafetensors(bytes).tensors.get("a")!;
    expect([a.dtype, a.shape]).toEqual(["float4_e2m1fn_x2", [2, 4]]);
    expect([...a.bytes()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    saveSafetensors({ a }, at("f4.safetensors"));
    const written = readFileSync(at("f4.safetensors"));
    const header = JSON.parse(written.subarray(8, 8 + Number(written.readBigUInt64LE())).toString()) as object;
    expect(header).toEqual({ a: { dtype: "F4", shape: [2, 8], data_offsets: [0, 8] } });
    expect(loadSafetensors(at("f4.safetensors")).tensors.get("a")!.shape).toEqual([2, 4]);
  });

  test.each([
    ["F4 of an odd size", { dtype: "F4", shape: [4, 1], data_offsets: [0, 2] }, /even last size .* F4 .* \[4, 1\]/],
    ["F4 without a size", { dtype: "F4", shape: [], data_offsets: [0, 1] }, /even last size/],
    ["F6", { dtype: "F6_E2M3", shape: [4], data_offsets: [0, 3] }, /dtypes that PyTorch has, got F6_E2M3 for a/],
  ])("refuses %s as what it is", (_, a, message) => {
    expect(() => loadSafetensors(file({ a }))).toThrow(message);
  });
});

describe("refuses", () => {
  test("nothing when the file is right", () => {
    expect(
      loadSafetensors(file({ a: entry() }))
        .tensors.get("a")!
        .toArray(),
    ).toEqual([0, 0]);
  });

  test.each<[string, Buffer, RegExp]>([
    [
      "a header longer than the file",
      changed(file({ a: entry() }), (b) => b.writeBigUInt64LE(10n ** 6n)),
      /unknown format/,
    ],
    ["a header of 2^63 bytes", changed(file({ a: entry() }), (b) => b.writeBigUInt64LE(2n ** 63n)), /unknown format/],
    ["no JSON", file("{oops}  "), /no JSON/],
    ["endless nesting", file(`{"a":${"[".repeat(200_000)}`), /no JSON/],
    ["broken UTF-8", changed(file({ aa: entry() }), (b) => b.set([0xc3, 0x28], 10)), /no JSON/],
    ["a list", file({ a: [] }), /without dtype/],
    ["an unknown dtype", file({ a: entry({ dtype: "F31" }) }), /known dtype for a, got F31/],
    ["a dtype of Object.prototype", file({ a: entry({ dtype: "constructor" }) }), /known dtype/],
    ["a negative size", file({ a: entry({ shape: [-2] }) }), /without dtype, shape/],
    ["a size that is no integer", file({ a: entry({ shape: [1.5] }) }), /without dtype, shape/],
    ["sizes that overflow", file({ a: entry({ shape: [2 ** 50, 2 ** 50] }) }), /2\^53/],
    [
      "sizes that overflow beside a 0",
      file({ a: entry({ shape: [0, 2 ** 50, 2 ** 50], data_offsets: [0, 0] }) }, 0),
      /2\^53/,
    ],
    ["65 dimensions", file({ a: entry({ shape: Array(65).fill(1) }) }), /without dtype, shape/],
    ["a range that does not fit the shape", file({ a: entry({ data_offsets: [0, 4] }) }), /8 bytes with a range of 4/],
    ["a range backwards", file({ a: entry({ data_offsets: [8, 0] }) }), /with a range of -8/],
    ["a range past the end", file({ a: entry() }, 7), /7 bytes of data where the header tells of 8/],
    ["bytes that belong to nothing", file({ a: entry() }, 9), /9 bytes of data/],
    ["overlapping tensors", file({ a: entry(), b: entry({ data_offsets: [4, 12] }) }, 12), /overlaps/],
    ["a gap", file({ a: entry(), b: entry({ data_offsets: [12, 20] }) }, 20), /gap/],
    ["the same range twice", file({ a: entry(), b: entry() }), /overlaps/],
    ["metadata that are no strings", file({ __metadata__: { a: 1 }, a: entry() }), /metadata/],
    ["an empty file", Buffer.alloc(0), /empty file/],
    ["a torch.save file", readFileSync(join(fixtures, "dtypes.pt")), /read it with load/],
  ])("%s", (_, bytes, message) => {
    expect(() => loadSafetensors(bytes)).toThrow(CheckpointError);
    expect(() => loadSafetensors(bytes)).toThrow(message);
    writeFileSync(at("hostile.safetensors"), bytes);
    expect(() => loadSafetensors(at("hostile.safetensors"), { mmap: true })).toThrow(message);
  });

  test("a missing file", () => {
    expect(() => loadSafetensors(at("missing"))).toThrow(expect.objectContaining({ code: "ERR_FILE_NOT_FOUND" }));
  });

  test("and names the other loader for a file of ours", () => {
    save({ a: 1 }, at("checkpoint.th"));
    expect(() => loadSafetensors(at("checkpoint.th"))).toThrow(/read it with load/);
  });
});

function changed(bytes: Buffer, edit: (bytes: Buffer) => void): Buffer {
  edit(bytes);
  return bytes;
}
