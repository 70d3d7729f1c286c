import {
  oldKeys,
  toCurrentOptimizerState,
  toCurrentState,
  toRelease11OptimizerState,
  toRelease11State,
} from "../../lib/core/release-1.1";
import { AnchoredBranchedUPT } from "../../lib/modeling";
import { arange, markFloatEntry, isFloatEntry, scope, tensor } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { buildModule, goldenIndex, loadCase } from "../golden/cases";

const rows = (...values: number[]) => tensor(values.map((value) => [value]));
const values = (state: ReadonlyMap<string, Tensor>) =>
  Object.fromEntries([...state].map(([key, value]) => [key, value.flatten().toArray()]));

describe("weights", () => {
  it.each(goldenIndex.map((entry) => [entry.name, entry] as const))("of %s come back as they were", (name, entry) =>
    scope(() => {
      const { weight } = loadCase(name);
      const keys = [...buildModule(entry).stateDict().keys()];
      const current = toCurrentState(weight, keys);
      expect([...current.keys()].sort()).toEqual([...keys].sort());
      // in the order of the model, which tells the kinds of attention apart
      const back = toRelease11State(new Map(keys.map((key) => [key, current.get(key)!])));
      const isUsed = (key: string) => current.has(key) || !/^(encoder|geometry_blocks)\./.test(key) || back.has(key);
      expect([...back.keys()].sort()).toEqual([...weight.keys()].filter(isUsed).sort());
      for (const [key, value] of back) expect([key, value.equal(weight.get(key)!)]).toEqual([key, true]);
    }),
  );

  it("are cut into queries, keys and values, whatever stands before them", () => {
    const state = new Map([
      ["a.qkv.weight", rows(1, 2, 3)],
      ["qkv.project.bias", tensor([1, 2, 3])],
      ["b.kv.weight", rows(1, 2)],
      ["norm1kv.weight", tensor([7])],
    ]);
    const target =
      "a.q.weight a.k.weight a.v.weight q.project.bias k.project.bias v.project.bias b.k.weight b.v.weight norm1kv.weight";
    expect(values(toCurrentState(state, target.split(" ")))).toEqual({
      "a.q.weight": [1],
      "a.k.weight": [2],
      "a.v.weight": [3],
      "q.project.bias": [1],
      "k.project.bias": [2],
      "v.project.bias": [3],
      "b.k.weight": [1],
      "b.v.weight": [2],
      "norm1kv.weight": [7],
    });
  });

  it("stay as they are where the model has them so, or where they do not fit", () => {
    const own = new Map([["qkv.weight", rows(1, 2, 3)]]);
    expect(toCurrentState(own, ["qkv.weight"])).toEqual(own);
    expect([...toCurrentState(own, ["other.weight"]).keys()]).toEqual(["qkv.weight"]);
    const uneven = new Map([["qkv.weight", rows(1, 2)]]);
    expect([...toCurrentState(uneven, ["q.weight", "k.weight", "v.weight"]).keys()]).toEqual(["qkv.weight"]);
  });

  it("in the form of the model win over those that would become them", () => {
    const state = new Map([
      ["q.weight", rows(9)],
      ["qkv.weight", rows(1, 2, 3)],
    ]);
    expect(values(toCurrentState(state, ["q.weight", "k.weight", "v.weight"]))).toEqual({
      "q.weight": [9],
      "k.weight": [2],
      "v.weight": [3],
    });
  });

  it("of the tutorial's wrapper are those of AeroABUPT, but for layers without influence", () => {
    const state = new Map([
      ["pos_embed.omega", tensor([1])],
      ["surface_bias.mlp.0.bias", tensor([2])],
      ["ab_upt.surface_bias.mlp.0.bias", tensor([3])],
      ["ab_upt.surface_decoder_blocks.0.attention_block.mixed_attention.qkv.bias", tensor([4, 5, 6])],
    ]);
    const block = "backbone.domain_decoder_blocks.surface.0.attention_block.mixed_attention.";
    const target = [
      "backbone.domain_biases.surface.mlp.0.bias",
      ...["q", "k", "v"].map((part) => `${block}${part}.bias`),
    ];
    expect(values(toCurrentState(state, target))).toEqual({
      "backbone.domain_biases.surface.mlp.0.bias": [3],
      [`${block}q.bias`]: [4],
      [`${block}k.bias`]: [5],
      [`${block}v.bias`]: [6],
    });
  });

  it("load into bare networks; a key that fits nowhere is named as it was", () =>
    scope(() => {
      const entry = goldenIndex.find(({ name }) => name === "ab_upt")!;
      const { weight } = loadCase("ab_upt");
      const network = new AnchoredBranchedUPT(entry.config as never);
      network.loadStateDict(weight);
      network.loadStateDict(Object.fromEntries(weight));
      weight.set("wake_bias.mlp.0.bias", tensor([1]));
      expect(() => network.loadStateDict(weight)).toThrow('Unexpected key(s) in state_dict: "wake_bias.mlp.0.bias"');
    }));

  it.each([
    ["another domain", ["domain_biases.wake.mlp.0.weight"], "the domains surface and volume, not wake"],
    ["weights for each domain", ["q.weight.0", "k.weight.0", "v.weight.0", "proj.weight.0"], "weights for each domain"],
  ])("with %s have no form of 1.1", (_, keys, message) => {
    expect(() => oldKeys(keys)).toThrow(message);
  });
});

describe("optimizer states", () => {
  const names = ["norm.weight", "qkv.weight", "proj.weight", "qkv.bias", "proj.bias"];
  const target = [
    "norm.weight",
    "q.weight",
    "q.bias",
    "k.weight",
    "k.bias",
    "v.weight",
    "v.bias",
    "proj.weight",
    "proj.bias",
  ];
  const old = () => {
    const moments = (value: Tensor) =>
      new Map<string, unknown>([["step", tensor(7)], ["exp_avg", value], ["exp_avg_sq", value.mul(10)]]); // prettier-ignore
    const group = { lr: 1, name: "default", params: [0, 1, 2] };
    markFloatEntry(group, "lr");
    return new Map<string, unknown>([
      [
        "state",
        new Map([
          [1, moments(arange(6, { dtype: "float32" }).reshape([6, 1]))],
          [2, moments(rows(8, 9))],
          [3, moments(arange(6, { dtype: "float32" }))],
        ]),
      ],
      ["param_groups", [group, { lr: 2, params: [3, 4] }]],
      ["param_idx_to_name", new Map(names.map((name, i) => [i, name]))],
    ]);
  };
  const readable = (content: ReadonlyMap<string, unknown>) => {
    const state = content.get("state") as Map<number, Map<string, unknown>>;
    const indices = content.get("param_idx_to_name") as Map<number, string>;
    return {
      groups: (content.get("param_groups") as { params: number[] }[]).map(({ params }) =>
        params.map((i) => indices.get(i)),
      ),
      state: Object.fromEntries(
        [...state].map(([i, entries]) => [indices.get(i)!, values(entries as unknown as Map<string, Tensor>)]),
      ),
    };
  };

  it("are cut like the weights, step counts copied", () => {
    const current = toCurrentOptimizerState(old(), target);
    expect(readable(current)).toEqual({
      groups: [
        ["norm.weight", "q.weight", "k.weight", "v.weight", "proj.weight"],
        ["q.bias", "k.bias", "v.bias", "proj.bias"],
      ],
      state: {
        "q.weight": { step: [7], exp_avg: [0, 1], exp_avg_sq: [0, 10] },
        "k.weight": { step: [7], exp_avg: [2, 3], exp_avg_sq: [20, 30] },
        "v.weight": { step: [7], exp_avg: [4, 5], exp_avg_sq: [40, 50] },
        "proj.weight": { step: [7], exp_avg: [8, 9], exp_avg_sq: [80, 90] },
        "q.bias": { step: [7], exp_avg: [0, 1], exp_avg_sq: [0, 10] },
        "k.bias": { step: [7], exp_avg: [2, 3], exp_avg_sq: [20, 30] },
        "v.bias": { step: [7], exp_avg: [4, 5], exp_avg_sq: [40, 50] },
      },
    });
    const [group] = current.get("param_groups") as object[];
    expect(group).toMatchObject({ lr: 1, name: "default" });
    expect(isFloatEntry(group!, "lr")).toBe(true);
  });

  it("come back as they were", () => {
    const back = toRelease11OptimizerState(toCurrentOptimizerState(old(), target), target);
    expect(readable(back)).toEqual(readable(old()));
    expect(back.get("param_groups")).toEqual(old().get("param_groups"));
  });

  it("have a step count of their own in each part", () => {
    const state = toCurrentOptimizerState(old(), target).get("state") as Map<number, Map<string, Tensor>>;
    state.get(1)!.get("step")!.add_(1);
    expect(state.get(2)!.get("step")!.item()).toBe(7);
  });

  it("in the form of the model, and without names, stay the same object", () => {
    const file = old();
    expect(toCurrentOptimizerState(file, names)).toBe(file);
    file.delete("param_idx_to_name");
    expect(toCurrentOptimizerState(file, target)).toBe(file);
    expect(toRelease11OptimizerState(file, target)).toBe(file);
  });

  it("lose the parameters that the model does without", () => {
    const file = new Map<string, unknown>([
      ["state", new Map([[0, new Map([["exp_avg", tensor([1])]])]])],
      ["param_groups", [{ lr: 1, params: [0, 1] }]],
      ["param_idx_to_name", new Map([[0, "encoder.proj.project.bias"], [1, "surface_bias.mlp.0.bias"]])], // prettier-ignore
    ]);
    expect(readable(toCurrentOptimizerState(file, ["domain_biases.surface.mlp.0.bias"]))).toEqual({
      groups: [["domain_biases.surface.mlp.0.bias"]],
      state: {},
    });
  });
});
