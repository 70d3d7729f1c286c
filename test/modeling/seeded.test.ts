/**
 * A seed gives the weights and outputs that it gives in Python: `fixtures/seeded.json` is made by PyTorch (`make_seeded.py`), the sums of
 * the Transformer and the UPT are those of the Python framework's integration tests.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { oldKeys } from "../../lib/core/release-1.1";
import { AnchoredBranchedUPT, ScalarsConditioner, Transformer, UPT } from "../../lib/modeling";
import { manualSeed, noGrad, rand, randn, scope, tensor } from "../../lib/torch";
import type { Tensor, nn } from "../../lib/torch";
import { buildModule, callModule, goldenIndex } from "../golden/cases";
import { expectEntries, expectSum, ints } from "./helpers";

type Digest = Record<string, [sum: number, first: number]>;
interface SeededCase {
  readonly name: string;
  readonly kind: string;
  readonly config: Record<string, unknown>;
  readonly seed: number;
  readonly reseed: number | null;
  readonly inputs: Record<string, [how: "rand" | "randn", ...shape: number[]]>;
  readonly fixed: Record<string, number[]>;
  readonly output: number[];
  readonly weights: Digest;
}
const seeded = JSON.parse(readFileSync(join(__dirname, "fixtures", "seeded.json"), "utf8")) as {
  cases: SeededCase[];
  models: Record<string, { config: Record<string, unknown>; weights: Digest }>;
  /** Sum of all outputs of the AB-UPT. */
  ab_upt_sum: number;
  /** In release 1.1. */
  keys: Record<string, string[]>;
};

function expectWeights(module: nn.Module, expected: Digest): void {
  const actual = module.namedParameters();
  expect(actual.map(([name]) => name).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, parameter] of actual) {
    const [sum, first] = expected[name]!;
    expectEntries(
      [Number(parameter.detach().double().sum().item()), Number(parameter.detach().flatten().index(0).item())],
      [sum, first],
      1e-5 + 1e-6 * Math.abs(sum),
    );
  }
}

describe("seeded modules", () => {
  it.each(seeded.cases.map((entry) => [entry.name, entry] as const))(
    "%s has PyTorch's weights and output",
    (_, entry) =>
      scope(() => {
        manualSeed(entry.seed);
        const module = buildModule(entry).eval();
        expectWeights(module, entry.weights);
        if (entry.reseed !== null) manualSeed(entry.reseed);
        const inputs = new Map<string, Tensor>();
        for (const [name, [how, ...shape]] of Object.entries(entry.inputs))
          inputs.set(name, how === "rand" ? rand(shape) : randn(shape));
        for (const [name, values] of Object.entries(entry.fixed)) inputs.set(name, ints(values));
        const [output] = [...callModule(module, { ...entry, call: {}, outputs: {} } as never, inputs).values()];
        expectEntries(output!, entry.output, 2e-6);
      }),
  );

  it.each(Object.keys(seeded.models))("%s has PyTorch's initial weights", (kind) =>
    scope(() => {
      const { config, weights } = seeded.models[kind]!;
      manualSeed(42);
      expectWeights(buildModule({ kind, config }), weights);
    }),
  );

  it("keep the order of state-dict keys, in the form of release 1.1", () => {
    for (const entry of goldenIndex.filter(({ name }) => name in seeded.keys)) {
      const keys = scope(() => oldKeys([...buildModule(entry).stateDict().keys()])).map(({ key }) => key);
      // AB-UPT has no geometry encoder where nothing attends to it
      const isBuilt = (key: string) => entry.name !== "ab_upt_condition" || !/^(encoder|geometry_blocks)\./.test(key);
      expect([entry.name, ...keys]).toEqual([entry.name, ...seeded.keys[entry.name]!.filter(isBuilt)]);
    }
  });
});

describe("numbers of the Python framework's tests", () => {
  const model = (name: string) => seeded.models[name]!.config as never;
  const sum = (fields: Record<string, Tensor>) =>
    Object.values(fields).reduce((total, field) => total.add(field.sum()), tensor(0));

  it("Transformer", () =>
    noGrad(() => {
      manualSeed(42);
      const transformer = new Transformer(model("Transformer"));
      manualSeed(42);
      expectSum(transformer.forward(randn([2, 5, 8])), 5.218031, 1e-5);
    }));

  it("UPT", () =>
    noGrad(() => {
      manualSeed(42);
      const upt = new UPT(model("UPT"));
      manualSeed(42);
      const surface_position = randn([12, 3]);
      const y = upt.forward({
        surface_position,
        surface_position_supernode_idx: ints([0, 1, 2, 6, 7, 8]),
        surface_position_batch_idx: ints([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
        query_position: randn([2, 4, 3]),
      });
      expectSum(y, 0.067268, 1e-5);
    }));

  it("AB-UPT", () =>
    noGrad(() => {
      manualSeed(42);
      const abUpt = new AnchoredBranchedUPT(model("AnchoredBranchedUPT"));
      manualSeed(42);
      const geometry_position = randn([12, 3]);
      const surface_anchor_position = randn([2, 4, 3]);
      const volume_anchor_position = randn([2, 3, 3]);
      const fields = abUpt.forward({
        geometry_position,
        geometry_supernode_idx: ints([0, 1, 2, 6, 7, 8]),
        geometry_batch_idx: ints([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
        surface_anchor_position,
        volume_anchor_position,
        query_surface_position: surface_anchor_position,
        query_volume_position: volume_anchor_position,
      });
      expectSum(sum(fields), seeded.ab_upt_sum, 1e-5);
      expectEntries(
        fields["query_surface_pressure"]!,
        fields["surface_pressure"]!.flatten().toArray() as number[],
        1e-6,
      );
    }));

  it.each([
    ["one scalar", [4.3], [-1.1654e-6, 1.5757e-6, -1.4685e-5, 4.227e-6, -7.882e-7, 1.1358e-6]],
    ["two scalars", [4.3, 4.3], [-1.4762e-6, 4.2751e-7, -1.0098e-6, -9.7093e-7, 2.1846e-6, -1.2073e-6]],
  ])("ScalarsConditioner: %s", (_, scalars, expected) => {
    manualSeed(0);
    const conditioner = new ScalarsConditioner({ hidden_dim: 4, num_scalars: scalars.length, condition_dim: 6 });
    expectEntries(conditioner.forward(...scalars.map((scalar) => tensor([scalar]))), expected, 1e-9);
  });
});
