/**
 * Reading the golden cases: numbers that the Python framework gave for modules and models, in float32 (one run on one CPU) and,
 * for the same weights and inputs, in float64 (`float64/`: the truth that float32 runs are compared with).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadSafetensors, viewAsComplex, viewAsReal } from "../../lib/torch";
import type { nn, Tensor } from "../../lib/torch";
import * as modeling from "../../lib/modeling";

/** Where the cases lie; another folder of the same layout can be named in the environment. */
export const GOLDEN_DIR = process.env.NOETHER_GOLDEN_DIR ?? __dirname;

export interface GoldenEntry {
  readonly name: string;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly call: { readonly token_specs?: readonly { name: string; size: number }[] };
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

export interface GoldenCase {
  /** Of the float32 run: the sum over the outputs of their mean square. */
  readonly loss: number;
  readonly weight: Map<string, Tensor>;
  readonly input: Map<string, Tensor>;
  readonly output: Map<string, Tensor>;
  /** Of the loss, by parameter. */
  readonly grad: Map<string, Tensor>;
  readonly output64: Map<string, Tensor>;
  readonly grad64: Map<string, Tensor>;
}

export const goldenIndex = JSON.parse(readFileSync(join(GOLDEN_DIR, "index.json"), "utf8")) as readonly GoldenEntry[];

export function loadCase(name: string): GoldenCase {
  const { tensors, metadata } = loadSafetensors(join(GOLDEN_DIR, `${name}.safetensors`));
  const truth = loadSafetensors(join(GOLDEN_DIR, "float64", `${name}.safetensors`)).tensors;
  const names = ["weight", "input", "output", "grad", "output64", "grad64"];
  const groups = Object.fromEntries(names.map((group) => [group, new Map<string, Tensor>()]));
  for (const [key, tensor] of [...tensors, ...truth]) {
    const [group, rest] = [key.slice(0, key.indexOf(".")), key.slice(key.indexOf(".") + 1)];
    groups[group]!.set(rest, tensor);
  }
  return { loss: Number(metadata.loss), ...groups } as unknown as GoldenCase;
}

/** Builds the module that the last part of a kind names. */
export function buildModule({ kind, config }: Pick<GoldenEntry, "kind" | "config">): nn.Module {
  const name = kind.slice(kind.lastIndexOf(".") + 1);
  const Module = (modeling as unknown as Record<string, (new (config: unknown) => nn.Module) | undefined>)[name];
  if (!Module) throw new Error(`golden case: no module is called ${name}`);
  return new Module(config);
}

type Arguments = Record<string, unknown>;

/** How the inputs of a case reach `forward`, by the kind of module. Anything else gets the only input, or all by name. */
const CALLS: Readonly<Record<string, (module: nn.Module, args: Arguments) => unknown>> = {
  DotProductAttention: (module, { x, ...options }) => module.forward(x, options),
  PerceiverAttention: (module, { q, ...options }) => module.forward(q, options),
  TransolverAttention: (module, { x, ...options }) => module.forward(x, options),
  TransolverPlusPlusAttention: (module, { x, ...options }) => module.forward(x, options),
  SelfAnchorAttention: (module, { x, ...options }) => module.forward(x, options),
  CrossAnchorAttention: (module, { x, ...options }) => module.forward(x, options),
  JointAnchorAttention: (module, { x, ...options }) => module.forward(x, options),
  TransformerBlock: (module, { x, condition, ...attnKwargs }) => module.forward(x, { condition, attnKwargs }),
  PerceiverBlock: (module, { q, kv, condition, ...attnKwargs }) => module.forward(q, kv, { condition, attnKwargs }),
  Transformer: (module, { x, ...attnKwargs }) => module.forward(x, attnKwargs),
  Transolver: (module, { x, ...attnKwargs }) => module.forward(x, attnKwargs),
  SupernodePooling: (module, args) => module.forward(args),
  DeepPerceiverDecoder: (module, args) => module.forward(args),
};

const COMPLEX_INPUTS = new Set(["freqs", "q_freqs", "k_freqs"]);

/** Runs a module on the inputs of a case; outputs by name, complex ones as real pairs. */
export function callModule(module: nn.Module, { kind, call }: GoldenEntry, input: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const name = kind.slice(kind.lastIndexOf(".") + 1);
  const named = [...input].map(([key, tensor]): [string, unknown] => [key, COMPLEX_INPUTS.has(key) ? viewAsComplex(tensor) : tensor]);
  if (call.token_specs) named.push(["token_specs", call.token_specs]);
  const camelCase = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const adapter = CALLS[name];
  const result: unknown = adapter
    ? adapter(module, Object.fromEntries(named.map(([key, value]) => [camelCase(key), value])))
    : module.forward(named.length === 1 ? named[0]![1] : Object.fromEntries(named));
  const real = (tensor: Tensor) => (tensor.isComplex() ? viewAsReal(tensor) : tensor);
  if (Array.isArray(result)) return new Map(result.map((tensor: Tensor, i) => [`out.${i}`, real(tensor)]));
  if ((result as Tensor).handle !== undefined) return new Map([["out", real(result as Tensor)]]);
  return new Map(Object.entries(result as Record<string, Tensor>).map(([key, tensor]) => [key, real(tensor)]));
}

/** The loss that the stored gradients belong to. */
export function goldenLoss(outputs: ReadonlyMap<string, Tensor>): Tensor {
  return [...outputs.values()].map((output) => output.square().mean()).reduce((sum, part) => sum.add(part));
}

/**
 * Largest difference relative to `scale`, by default the largest expected entry, in float64; infinite where shape or finiteness differ.
 */
export function relativeError(
  actual: Tensor | null | undefined,
  expected: Tensor,
  scale = expected.numel() === 0 ? 0 : Number(expected.double().abs().max().item()),
): number {
  if (!actual || actual.shape.join() !== expected.shape.join()) return Infinity;
  if (expected.numel() === 0) return 0;
  const difference = Number(actual.detach().double().sub(expected.double()).abs().max().item());
  return Number.isNaN(difference) ? Infinity : scale > 0 ? difference / scale : difference;
}
