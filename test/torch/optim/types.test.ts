/** Floats stay floats and ints stay ints on the way through an optimizer, as in Python (fixtures/make_types.py). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load, markFloatEntry, ones, optim, save, tensor, tuple, type Tensor } from "../../../lib/torch";
import { isFloatEntry } from "../../../lib/torch/serialization";
import { describeValue } from "../serialization/describe";
import { temporaryFolder } from "../serialization/fixtures";
import { OPTIMIZERS } from "./every-optimizer";

type Group = Record<string, unknown>;
interface Case {
  readonly state: Map<number, Group>;
  readonly param_groups: Group[];
}
/** Described groups. */
interface Groups {
  readonly list: readonly { readonly dict: readonly [string, unknown][] }[];
}
type Kind = "default" | "whole" | "ints";

const folder = temporaryFolder();
const path = join(folder, "optimizer.pt");
const fixture = (name: string): string => join(__dirname, "fixtures", name);
const python = JSON.parse(readFileSync(fixture("types.json"), "utf8")) as Record<string, Record<Kind, unknown>>;
const stored = load<Record<string, Record<Kind, Case>>>(fixture("types.pt"));

const parameter = (): Tensor => ones([2, 2]).requiresGrad_();

/** The groups as a file holds them. */
function written(optimizer: optim.Optimizer): unknown {
  save(optimizer.stateDict(), path);
  return describeValue(load<Case>(path).param_groups);
}

/** The options of a stored group by this library's names, without what a caller does not give. */
function given(group: Group): Group {
  const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(group).map(([name, value]) => [camel(name), value]));
}

const extras = (): Group => {
  const group: Group = { tag: 1, milestones: [1, 2] };
  markFloatEntry(group, "tag");
  markFloatEntry(group.milestones as object, 0);
  return group;
};

describe.each(Object.keys(OPTIMIZERS))("%s", (name) => {
  const kinds: Kind[] = ["default", "whole", "ints"];

  test.each(kinds)("a file with %s options is written again with their types", (kind) => {
    const optimizer = new OPTIMIZERS[name]!([parameter()]);
    optimizer.loadStateDict(stored[name]![kind]);
    expect(written(optimizer)).toEqual(python[name]![kind]);
  });

  test("twice through a state dict in memory", () => {
    const first = new OPTIMIZERS[name]!([parameter()]);
    const second = new OPTIMIZERS[name]!([parameter()]);
    first.loadStateDict(stored[name]!.whole);
    second.loadStateDict(first.stateDict());
    expect(written(second)).toEqual(python[name]!.whole);
  });

  test("defaults have Python's types", () => {
    const optimizer = new OPTIMIZERS[name]!([{ params: [parameter()], ...extras() }]);
    const [group] = optimizer.stateDict().param_groups;
    const own = Object.fromEntries(Object.entries(group!).filter(([key]) => key !== "tag" && key !== "milestones"));
    for (const key of Object.keys(own)) if (isFloatEntry(group!, key)) markFloatEntry(own, key);
    const expected = (python[name]!.default as Groups).list[0]!.dict;
    expect(describeValue(own)).toEqual({
      dict: expected.filter(([key]) => key !== "tag" && key !== "milestones"),
    });
  });

  test("whole numbers that are given for float options are floats", () => {
    const { params: _, tag: _tag, milestones: _milestones, ...options } = given(stored[name]!.whole.param_groups[0]!);
    const known = new OPTIMIZERS[name]!([parameter()]).defaults;
    const own = Object.fromEntries(
      Object.entries(options)
        .filter(([option]) => option in known)
        .map(([option, value]) => [option, Array.isArray(value) ? [...(value as unknown[])] : value]),
    );
    const described = written(new OPTIMIZERS[name]!([{ params: [parameter()] }], own)) as Groups;
    const whole = new Map((python[name]!.whole as Groups).list[0]!.dict);
    for (const [option, value] of described.list[0]!.dict) expect([option, value]).toEqual([option, whole.get(option)]);
  });

  test("the numbers are plain ones in memory", () => {
    const optimizer = new OPTIMIZERS[name]!([parameter()]);
    optimizer.loadStateDict(stored[name]!.whole);
    expect(optimizer.paramGroups[0]!.lr).toBe(1);
    expect(optimizer.stateDict().param_groups[0]!.lr).toBe(1);
  });
});

test("an option of a float type that a schedule sets to another whole number stays a float", () => {
  const optimizer = new optim.AdamW([parameter()]);
  optimizer.loadStateDict(stored.AdamW!.ints);
  optimizer.paramGroups[0]!.lr = 2;
  const [group] = (written(optimizer) as Groups).list;
  expect(new Map(group!.dict).get("lr")).toEqual({ float: "4000000000000000" });
});

test("keys and values of dicts in a group keep their types", () => {
  const counts = new Map<unknown, unknown>([[2, 1]]);
  markFloatEntry(counts, 2);
  save(
    { state: {}, param_groups: [{ ...stored.AdamW!.whole.param_groups[0]!, counts, pair: tuple(1, 2), params: [0] }] },
    path,
  );
  const optimizer = new optim.AdamW([parameter()]);
  optimizer.loadStateDict(load(path));
  const [group] = (written(optimizer) as Groups).list;
  expect(new Map(group!.dict).get("counts")).toEqual({ dict: [[{ int: "2" }, { float: "3ff0000000000000" }]] });
  expect(new Map(group!.dict).get("pair")).toEqual({ tuple: [{ int: "1" }, { int: "2" }] });
});

test("numbers in the state keep their types", () => {
  save(
    {
      state: new Map([[0, { step: tensor(1), exp_avg: ones([2, 2]), exp_avg_sq: ones([2, 2]), note: 3 }]]),
      param_groups: [{ params: [0] }],
    },
    path,
  );
  const loaded = load<{ state: Map<number, Group> }>(path);
  markFloatEntry(loaded.state.get(0)!, "note");
  const optimizer = new optim.AdamW([parameter()]);
  optimizer.loadStateDict(loaded);
  const state = optimizer.stateDict().state.get(0)!;
  expect([state.note, isFloatEntry(state, "note")]).toEqual([3, true]);
});
