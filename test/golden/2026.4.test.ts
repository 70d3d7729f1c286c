/**
 * Golden cases of release 2026.4 of the Python framework: weights, inputs, outputs and gradients in float32, and in float64 the truth
 * that both precisions are compared with. Another folder of the same layout can be named in NOETHER_GOLDEN26_DIR.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as modeling from "../../lib/modeling";
import { loadSafetensors, nn, scope, viewAsComplex } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { goldenLoss } from "./cases";
import { expectTruth, float32Bound } from "./comparison";
import { onCpu, testDevice } from "../support/device";

const FOLDER = process.env["NOETHER_GOLDEN26_DIR"] ?? join(__dirname, "2026.4");

type Args = Record<string, unknown>;
interface Call extends Args {
  readonly mode: "plain" | "kv_cache";
  /** Arguments of the second call. */
  readonly second?: Args;
}
interface Entry {
  readonly name: string;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly call: Call;
  /** Shapes, in the order of the arguments. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

const index = JSON.parse(readFileSync(join(FOLDER, "index.json"), "utf8")) as readonly Entry[];
const cases = index.map((entry) => [entry.name, entry] as const);
const lastOf = (kind: string) => kind.slice(kind.lastIndexOf(".") + 1);
const camelCase = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Tensors of a case by their group: weight, input, output, grad, output64, grad64. */
function load({ name }: Entry) {
  const { tensors, metadata } = loadSafetensors(join(FOLDER, `${name}.safetensors`));
  const groups: Record<string, Map<string, Tensor>> = {};
  for (const [key, tensor] of tensors) {
    const [group, rest] = [key.slice(0, key.indexOf(".")), key.slice(key.indexOf(".") + 1)];
    (groups[group] ??= new Map()).set(rest, tensor);
  }
  return { loss: Number(metadata["loss"]), group: (name: string) => groups[name] ?? new Map<string, Tensor>() };
}

type Module = nn.Module & { adoptStoredConfig?: (stored: object) => void };
type Constructor = new (...args: unknown[]) => Module;
const classes = modeling as unknown as Record<string, Constructor | undefined>;

/** Builds the module, which multiplies and reads channels as the Python framework: its weights are from there. */
function build({ kind, config }: Entry): Module {
  const { config_kind, ...own } = config;
  const name = lastOf(kind);
  const Module = classes[name];
  if (!Module) throw new Error(`golden case: no module is called ${name}`);
  if (typeof config_kind === "string") {
    const schema = (modeling as unknown as Record<string, { parse: (config: unknown) => { transformer_block_config: object } }>)[lastOf(config_kind)]!;
    return new Module({ ...own, transformer_block_config: schema.parse(own).transformer_block_config });
  }
  if (name === "UntiedTransformerBlock") {
    const { attention_constructor, attention_arguments, ...block } = own["transformer_block"] as Args;
    const attention = (shared: Args) =>
      new classes[attention_constructor as string]!({ ...shared, ...(attention_arguments as Args) });
    return new Module({ ...own, transformer_block: block, square_weights: "upstream" }, { attention });
  }
  const module = new Module(name.startsWith("Untied") ? { ...own, square_weights: "upstream" } : own);
  module.adoptStoredConfig?.(own);
  return module;
}

/** Inputs with dots in their names as mappings, complex ones as such, and what the call adds. */
function argumentsOf(input: ReadonlyMap<string, Tensor>, more: Args): Args {
  const args: Args = { ...more };
  for (const [key, tensor] of input) {
    const path = key.split(".");
    const value = path.at(-1)!.endsWith("freqs") ? viewAsComplex(tensor) : tensor;
    const holder = path.slice(0, -1).reduce((at, part) => (at[part] ??= {}) as Args, args);
    holder[path.at(-1)!] = value;
  }
  return args;
}

const inCamelCase = (args: Args) => Object.fromEntries(Object.entries(args).map(([key, value]) => [camelCase(key), value]));
const patternsOf = (patterns: unknown) => patterns && (patterns as Args[]).map(inCamelCase);

/** How arguments reach `forward`, by the kind of module. Anything else gets the only input, or all by name. */
const CALLS: Readonly<Record<string, (module: nn.Module, args: Args) => unknown>> = {
  DotProductAttention: (module, { x }) => module.forward(x),
  PerceiverAttention: (module, { q, ...rest }) => module.forward(q, inCamelCase(rest)),
  TransolverAttention: (module, { x }) => module.forward(x),
  TransolverPlusPlusAttention: (module, { x }) => module.forward(x),
  Transolver: (module, { x }) => module.forward(x),
  UntiedLinear: (module, { x, token_specs }) => module.forward(x, token_specs),
  UntiedMLP: (module, { x, token_specs }) => module.forward(x, token_specs),
  ...Object.fromEntries(
    ["SelfAnchorAttention", "CrossAnchorAttention", "JointAnchorAttention", "UntiedMixedAttention"].map((name) => [
      name,
      (module: nn.Module, { x, attention_patterns, ...rest }: Args) =>
        module.forward(x, { ...inCamelCase(rest), attentionPatterns: patternsOf(attention_patterns) }),
    ]),
  ),
  UntiedTransformerBlock: (module, { x, condition, token_specs, attn_kwargs }) =>
    module.forward(x, { condition, attnKwargs: { ...inCamelCase((attn_kwargs ?? {}) as Args), tokenSpecs: token_specs } }),
  ...Object.fromEntries(
    ["PerceiverBlock", "UntiedPerceiverBlock"].map((name) => [
      name,
      (module: nn.Module, { q, kv, condition, token_specs, attn_kwargs }: Args) =>
        module.forward(q, kv, { condition, attnKwargs: { ...inCamelCase((attn_kwargs ?? {}) as Args), tokenSpecs: token_specs } }),
    ]),
  ),
};

/** The first of two calls: its output, and what the second gets beside its inputs. */
function firstCall(module: nn.Module, name: string, args: Args): [unknown, Args] {
  if (module instanceof modeling.AnchoredBranchedUPT) {
    const { fields, cache } = module.encodeAnchors(args);
    return [fields, { kv_cache: cache }];
  }
  if (module instanceof modeling.PerceiverAttention) {
    const kv = module.keysValues(args["kv"] as Tensor, args["k_freqs"] as Tensor);
    return [CALLS[name]!(module, args), { kv }];
  }
  if (!(module instanceof modeling.MultiBranchAnchorAttention)) throw new Error(`golden case: ${name} has no cache`);
  const { x, ...rest } = args;
  const [output, kv_cache] = module.forwardWithCache(x as Tensor, inCamelCase(rest) as never);
  return [output, { kv_cache }];
}

function call(module: nn.Module, { kind, call }: Entry, input: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const name = lastOf(kind);
  const { mode, second: secondArgs, noise: _, transposed: __, ...args } = call;
  const named = (result: unknown, prefix = ""): [string, Tensor][] =>
    typeof (result as Tensor).handle === "number"
      ? [[`${prefix}out`, result as Tensor]]
      : Object.entries(result as Record<string, Tensor>).map(([key, tensor]) => [prefix + key, tensor]);
  const forward = (all: Args) => (CALLS[name] ? CALLS[name](module, all) : (module.forward(all) as unknown));
  if (mode === "plain") return new Map(named(forward(argumentsOf(input, args))));
  const isSecond = (key: string) => key.startsWith("second.");
  const first = new Map([...input].filter(([key]) => !isSecond(key)));
  const second = new Map([...input].filter(([key]) => isSecond(key)).map(([key, x]) => [key.slice("second.".length), x]));
  const [output, cached] = firstCall(module, name, argumentsOf(first, args));
  const later = forward({ ...argumentsOf(second, secondArgs ?? {}), ...cached });
  return new Map([...named(output, "first."), ...named(later, "second.")]);
}

function run(entry: Entry, dtype: "float32" | "float64") {
  const golden = load(entry);
  const module = build(entry).to(dtype) as Module;
  module.loadStateDict(golden.group("weight"));
  // Transolver++ cases hold every uniform draw at one value: without noise then
  if (entry.call["noise"] !== undefined) module.eval();
  module.to(testDevice);
  const given = golden.group("input");
  const input = new Map(
    Object.keys(entry.inputs).map((key) => {
      const x = given.get(key)!;
      return [key, (x.isFloatingPoint() ? x.to(dtype) : x).to(testDevice)];
    }),
  );
  const outputs = call(module, entry, input);
  const loss = goldenLoss(outputs);
  loss.backward();
  const gradients = new Map<string, Tensor>();
  for (const [name, { grad }] of module.namedParameters()) if (grad !== null) gradients.set(name, grad);
  return { golden, outputs: onCpu(outputs), gradients: onCpu(gradients), loss: Number(loss.item()) };
}

/** Of float64 results. */
const FLOAT64_BOUND = 1e-9;

describe("golden cases of release 2026.4", () => {
  it("are there", () => {
    expect(index.length).toBeGreaterThan(0);
  });

  it.each(cases)("%s has the names, their order, and the shapes of Python's module", (_, entry) =>
    scope(() => {
      const shapes = (tensors: Iterable<[string, Tensor]>) => [...tensors].map(([key, x]) => `${key} ${x.shape.join("x")}`);
      const [own, theirs] = [build(entry).stateDict(), load(entry).group("weight")];
      expect(shapes(own).sort()).toEqual(shapes(theirs).sort());
    }),
  );

  it.each(cases)("%s in float32", (_, entry) =>
    scope(() => {
      const { golden, outputs, gradients, loss } = run(entry, "float32");
      const [output64, grad64] = [golden.group("output64"), golden.group("grad64")];
      expect([...outputs.keys()]).toEqual(Object.keys(entry.outputs));
      expectTruth(outputs, output64, float32Bound(golden.group("output"), output64));
      expectTruth(gradients, grad64, float32Bound(golden.group("grad"), grad64));
      expect(Math.abs(loss / golden.loss - 1)).toBeLessThanOrEqual(1e-5);
    }),
  );

  it.each(cases)("%s in float64", (_, entry) =>
    scope(() => {
      const { golden, outputs, gradients } = run(entry, "float64");
      expectTruth(outputs, golden.group("output64"), () => FLOAT64_BOUND);
      expectTruth(gradients, golden.group("grad64"), () => FLOAT64_BOUND);
    }),
  );
});
