/** Hostile programs: every one is an error, or runs; none ends the process, reaches a file, or takes the memory. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as torch from "../../../lib/torch";
import { CheckpointError } from "../../../lib/torch/serialization/errors";
import { openBytes } from "../../../lib/torch/serialization/source";
import { openArchive, readText } from "../../../lib/torch/export/archive";
import { archive as packed } from "../serialization/archives";

const folder = mkdtempSync(join(tmpdir(), "noether-export-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "program.pt2");
const fixture = (name: string): Buffer => readFileSync(join(__dirname, "fixtures", `${name}.pt2`));

/** The same pseudo-random numbers in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The archive with another text for one of its records. */
function repacked(bytes: Buffer, name: string, text: string): Buffer {
  const { entries } = openArchive(openBytes(bytes));
  const records = [...entries].map(([entry, { header, byteLength }]) => {
    const offset = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
    return [entry, entry === name ? Buffer.from(text) : bytes.subarray(offset, offset + byteLength)] as const;
  });
  return packed(Object.fromEntries(records));
}

const textOf = (bytes: Buffer, name: string): string => readText(openArchive(openBytes(bytes)), name)!;
type Node = { target: string; inputs: { name: string; arg: object }[]; outputs: object[] };
interface ProgramJson {
  graph_module: { graph: { nodes: Node[] } };
}

/** What becomes of a program: what it throws, or that it ran. */
function outcome(bytes: Buffer, inputs: () => unknown[]): string {
  writeFileSync(path, bytes);
  try {
    return torch.scope(() => {
      torch.export.load(path).call(inputs());
      return "ran";
    });
  } catch (error) {
    if (!(error instanceof torch.TorchError) && !(error instanceof TypeError) && !(error instanceof RangeError))
      throw error;
    if (error instanceof TypeError && !/expected/.test(error.message)) throw error;
    return error.message;
  }
}

const POOL: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  3,
  9000,
  2 ** 52,
  -(2 ** 52),
  0.5,
  "",
  "x",
  "constructor",
  "__proto__",
  "torch.ops.aten.mul.Tensor",
  "torch.ops.aten.as_strided.default",
  "torch.ops.aten.index.Tensor",
  "_operator.floordiv",
  [],
  [1, -1],
  {},
  { as_none: true },
  { as_int: 7 },
  { as_tensor: { name: "x" } },
];

/** All places of a JSON value. */
function places(value: unknown, found: [object, string][] = []): [object, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value, key]);
    places((value as Record<string, unknown>)[key], found);
  }
  return found;
}

test.each(["attention", "sizes", "training-functional"])("values of the program that were exchanged, %s", (name) => {
  const bytes = fixture(name);
  const inputs = (): unknown[] =>
    name === "attention"
      ? [torch.ones([2, 5, 8])]
      : name === "sizes"
        ? [torch.ones([6]), [torch.ones([4]), torch.ones([4])]]
        : [torch.ones([4, 3])];
  const text = textOf(bytes, "models/model.json");
  const next = random(name.length);
  const outcomes = new Set<string>();
  for (let round = 0; round < 80; round++) {
    const program = JSON.parse(text) as object;
    const all = places(program);
    for (let change = 0; change <= next(3); change++) {
      const [owner, key] = all[next(all.length)]!;
      (owner as Record<string, unknown>)[key] = POOL[next(POOL.length)];
    }
    outcomes.add(outcome(repacked(bytes, "models/model.json", JSON.stringify(program)), inputs));
  }
  expect(outcomes.size).toBeGreaterThan(10);
});

test("weights that lie about their place and shape", () => {
  const bytes = fixture("vision");
  const config = "data/weights/model_weights_config.json";
  const text = textOf(bytes, config);
  const next = random(5);
  const outcomes = new Set<string>();
  for (let round = 0; round < 80; round++) {
    const weights = JSON.parse(text) as object;
    const all = places(weights);
    const [owner, key] = all[next(all.length)]!;
    (owner as Record<string, unknown>)[key] = POOL[next(POOL.length)];
    outcomes.add(outcome(repacked(bytes, config, JSON.stringify(weights)), () => [torch.ones([2, 3, 6, 6])]));
  }
  expect(outcomes.size).toBeGreaterThan(5);
});

test("bytes that were changed are found by their checksum", () => {
  const bytes = fixture("training");
  const next = random(9);
  for (let round = 0; round < 100; round++) {
    const damaged = Buffer.from(bytes);
    damaged[next(damaged.length)]! ^= 1 << next(8);
    outcome(damaged, () => [torch.ones([4, 3])]);
    outcome(bytes.subarray(0, next(bytes.length)), () => [torch.ones([4, 3])]);
  }
});

describe("what a program may not do", () => {
  const withNode = (change: (node: Node) => void): Buffer => {
    const bytes = fixture("training-functional");
    const program = JSON.parse(textOf(bytes, "models/model.json")) as ProgramJson;
    change(program.graph_module.graph.nodes[0]!);
    return repacked(bytes, "models/model.json", JSON.stringify(program));
  };

  test("operators of other libraries, and those that reach files", () => {
    const written = join(folder, "written");
    for (const target of [
      "torch.ops.aten.from_file.default",
      "torch.ops.prims.convert_element_type.default",
      "torch.ops.noether.attention.default",
      "torch.ops.aten._debug_has_internal_overlap.default",
      "os.system",
      "torch.load",
      "torch.ops.higher_order.wrap.default",
    ]) {
      const program = withNode((node) => {
        node.target = target;
        node.inputs = [{ name: "filename", arg: { as_string: written } }];
      });
      writeFileSync(path, program);
      expect(() => torch.export.load(path)).toThrow(CheckpointError);
    }
    expect(existsSync(written)).toBe(false);
  });

  test("values that are used before they are there", () => {
    const program = withNode((node) => {
      node.inputs[0] = { name: node.inputs[0]!.name, arg: { as_tensor: { name: "later" } } };
    });
    writeFileSync(path, program);
    expect(() => torch.export.load(path)).toThrow(/uses later before it is there/);
  });

  test("graphs in graphs without end", () => {
    const bytes = fixture("training");
    const deep = (levels: number): string =>
      levels === 0
        ? "{}"
        : `{"as_graph":{"name":"g","graph":{"inputs":[${deep(levels - 1)}],"outputs":[],"nodes":[]}}}`;
    const text = textOf(bytes, "models/model.json").replace('"inputs": [', `"inputs": [${deep(200)},`);
    expect(outcome(repacked(bytes, "models/model.json", text), () => [])).toMatch(/expected/);
    const list = `${"[".repeat(100000)}${"]".repeat(100000)}`;
    expect(outcome(repacked(bytes, "models/model.json", list), () => [])).toMatch(/expected/);
  });
});
