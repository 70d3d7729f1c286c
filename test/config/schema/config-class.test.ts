import {
  any,
  bool,
  defineConfig,
  float,
  int,
  isConfig,
  isGiven,
  list,
  literal,
  mapping,
  oneOf,
  optional,
  set,
  shared,
  smartUnion,
  str,
  taggedUnion,
  tuple,
  validateConfig,
} from "../../../lib/config/schema";
import { ConfigError } from "../../../lib/config/errors";

const problemsOf = (run: () => unknown): string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
};

describe("lax coercions", () => {
  test.each([
    [3, 3],
    [3.0, 3],
    ["3", 3],
    [true, 1],
  ])("int takes %p", (input, expected) => {
    expect(int().parse(input)).toBe(expected);
  });
  test.each([[3.5], ["3.5"], ["x"], [null], [undefined], [[]]])("int refuses %p", (input) => {
    expect(int().safeParse(input).success).toBe(false);
  });
  test.each([
    [1, 1],
    ["1e-3", 0.001],
    ["1.5", 1.5],
    [true, 1],
    ["inf", Infinity],
  ])("float takes %p", (input, expected) => {
    expect(float().parse(input)).toBe(expected);
  });
  test.each([
    ["yes", true],
    ["OFF", false],
    [1, true],
    [0, false],
    ["t", true],
    ["N", false],
  ])("bool takes %p", (input, expected) => {
    expect(bool().parse(input)).toBe(expected);
  });
  test.each([["maybe"], [2], [null]])("bool refuses %p", (input) => {
    expect(bool().safeParse(input).success).toBe(false);
  });
  test("str never comes from a number", () => {
    expect(str().safeParse(5).success).toBe(false);
    expect(str().parse("5")).toBe("5");
  });
  test("??? is no value, not even a string", () => {
    expect(str().safeParse("???").error?.issues[0]?.message).toBe(
      "expected a string, received ??? (to be given, e.g. on the command line)",
    );
  });
  test("bounds are part of the message", () => {
    expect(float({ gt: 0 }).safeParse(-1).error?.issues[0]?.message).toBe(
      "expected a number > 0, received the number -1",
    );
  });
  test("lists, sets, tuples, mappings", () => {
    expect(list(float()).parse(["1", 2])).toEqual([1, 2]);
    expect(set(str()).parse(["a", "b", "a"])).toEqual(["a", "b"]);
    expect(tuple(int(), str()).parse([1, "x"])).toEqual([1, "x"]);
    expect(tuple(int()).safeParse([1, 2]).success).toBe(false);
    expect(mapping(int()).parse({ a: "1" })).toEqual({ a: 1 });
    expect(tuple(int(), int()).safeParse([1, "x"]).error?.issues[0]?.path).toEqual([1]);
  });
  test("oneOf prefers the exact type", () => {
    const nodes = oneOf(int(), str());
    expect(nodes.parse("3")).toBe("3");
    expect(nodes.parse(3)).toBe(3);
  });
});

const Sub = defineConfig("Sub", { fields: { hidden_dim: int(), depth: int().default(2) } });
const Parent = defineConfig("Parent", {
  extra: "forbid",
  fields: { kind: str(), lr: optional(float({ gt: 0 })), sub: optional(Sub), flags: list(bool()).default(() => []) },
  check: (config, report) => {
    if (config.lr === 7) report("seven is not a rate", "lr");
  },
});

describe("config classes", () => {
  test("defaults are filled in and given keys are known", () => {
    const config = Parent.create({ kind: "a" });
    expect(config).toEqual({ kind: "a", lr: null, sub: null, flags: [] });
    expect(isConfig(config)).toBe(true);
    expect([isGiven(config, "kind"), isGiven(config, "lr")]).toEqual([true, false]);
    config.lr = 0.5;
    expect(isGiven(config, "lr")).toBe(true);
  });

  test("a validated config is taken as it is", () => {
    const config = Parent.create({ kind: "a" });
    expect(Parent.parse(config)).toBe(config);
    const Child = Parent.extend("Child", { fields: { more: int().default(1) } });
    const child = Child.create({ kind: "c" });
    expect(Parent.parse(child)).toBe(child);
  });

  test("every problem is listed with its path", () => {
    expect(problemsOf(() => validateConfig(Parent, { lr: -1, flag: 1, flags: [true, "x"] }))).toEqual([
      "kind: missing value: expected a string",
      "lr: expected a number > 0, received the number -1",
      'flags.1: expected a boolean, received the string "x"',
      'flag: unknown key of Parent; did you mean "flags"?',
    ]);
  });

  test("cross-field checks run when the fields are valid", () => {
    expect(problemsOf(() => validateConfig(Parent, { kind: "a", lr: 7 }))).toEqual(["lr: seven is not a rate"]);
  });

  test("extra keys: ignored, kept or refused", () => {
    const fields = { a: int() };
    expect(defineConfig("I", { fields }).parse({ a: 1, b: 2 })).toEqual({ a: 1 });
    expect(defineConfig("A", { extra: "allow", fields }).parse({ a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    expect(defineConfig("F", { extra: "forbid", fields }).safeParse({ a: 1, b: 2 }).success).toBe(false);
  });

  test("derived keys are dropped, aliases renamed", () => {
    const type = defineConfig("D", {
      extra: "forbid",
      derived: ["rope"],
      aliases: { wrappers: "dataset_wrappers" },
      fields: { dataset_wrappers: optional(any()) },
    });
    expect(type.parse({ rope: 1, wrappers: [1] })).toEqual({ dataset_wrappers: [1] });
    expect(type.safeParse({ wrappers: [1], dataset_wrappers: [] }).success).toBe(false);
  });

  test("a key that prepare makes is not given", () => {
    const type = defineConfig("P", {
      fields: { a: int(), twice: int() },
      prepare: (raw) => ({ twice: 2 * Number(raw["a"]), ...raw }),
    });
    expect(isGiven(type.create({ a: 2 } as never), "twice")).toBe(false);
    expect(isGiven(type.create({ a: 2, twice: 5 }), "twice")).toBe(true);
  });

  test("the place of the nearest parent is reported", () => {
    const locate = (path: readonly PropertyKey[]) => (path.length === 0 ? { file: "a.yaml", line: 1 } : undefined);
    expect(() => validateConfig(Parent, {}, locate)).toThrow("a.yaml:1: kind: missing value: expected a string");
  });
});

describe("shared fields", () => {
  const Block = defineConfig("Block", {
    fields: { hidden_dim: int(), num_heads: int(), mlp_expansion_factor: int().default(1) },
  });
  const Decoder = defineConfig("Decoder", { fields: { perceiver_block_config: shared(Block), depth: int() } });
  const Model = defineConfig("Model", {
    fields: {
      hidden_dim: int(),
      num_heads: int(),
      mlp_expansion_factor: int().default(9),
      decoder_config: shared(Decoder),
    },
  });

  test("given keys reach nested sub-configs, explicit values win, defaults stay at home", () => {
    const config = Model.parse({
      hidden_dim: 128,
      num_heads: 4,
      decoder_config: { depth: 1, perceiver_block_config: { num_heads: 2 } },
    });
    expect(config.decoder_config.perceiver_block_config).toEqual({
      hidden_dim: 128,
      num_heads: 2,
      mlp_expansion_factor: 1,
    });
  });

  test("the nearest ancestor wins", () => {
    const Mid = defineConfig("Mid", { fields: { hidden_dim: int(), block: shared(Block) } });
    const Top = defineConfig("Top", { fields: { hidden_dim: int(), num_heads: int(), mid: shared(Mid) } });
    const config = Top.parse({ hidden_dim: 1, num_heads: 2, mid: { hidden_dim: 8, block: {} } });
    expect(config.mid.block).toEqual({ hidden_dim: 8, num_heads: 2, mlp_expansion_factor: 1 });
  });

  test("the input is not changed", () => {
    const input = { hidden_dim: 1, num_heads: 1, decoder_config: { depth: 1, perceiver_block_config: {} } };
    Model.parse(input);
    expect(input.decoder_config.perceiver_block_config).toEqual({});
  });
});

describe("unions", () => {
  const A = defineConfig("A", { extra: "forbid", fields: { kind: literal("x.A").default("x.A"), size: int() } });
  const B = defineConfig("B", {
    extra: "forbid",
    fields: { kind: literal("x.B").default("x.B"), width: int().default(1) },
  });

  test("tagged: the tag chooses, is required and is checked", () => {
    const union = taggedUnion("kind", [A, B]);
    expect(union.parse({ kind: "x.B" })).toEqual({ kind: "x.B", width: 1 });
    expect(problemsOf(() => validateConfig(union, { size: 1 }))[0]).toContain('missing "kind"');
    expect(problemsOf(() => validateConfig(union, { kind: "x.C" }))[0]).toBe(
      'kind: unknown kind "x.C"; did you mean "x.A" or "x.B"?',
    );
  });

  test("smart: most keys win, then the first", () => {
    const Any1 = defineConfig("Any1", { fields: { a: optional(int()) } });
    const Any2 = defineConfig("Any2", { fields: { a: optional(int()), b: optional(int()) } });
    const union = smartUnion([Any1, Any2]);
    expect(union.parse({ a: 1 })).toEqual({ a: 1 });
    expect(union.parse({ a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
  });
});

test("integers beyond 2^53 are refused with all their digits; a float takes the nearest", () => {
  const Config = defineConfig("BigConfig", { fields: { count: int(), scale: float() } });
  expect(() => validateConfig(Config, { count: 9007199254740993n, scale: 1 })).toThrow(
    "count: expected an integer, received the integer 9007199254740993, which is too large to be exact",
  );
  expect(validateConfig(Config, { count: 1, scale: 9007199254740993n })).toEqual({ count: 1, scale: 2 ** 53 });
});
