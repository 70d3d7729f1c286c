/** Comparing golden cases with the float64 truth, tensor by tensor. */
import type { Tensor } from "../../lib/torch";
import { relativeError } from "./cases";

/** Entries below which the error of one run says little about rounding. */
const FEW = 16;

type Tensors = ReadonlyMap<string, Tensor>;

/**
 * The largest entry of a tensor. Projections of queries, keys and values have that of all three, which were one tensor in release 1.1:
 * without rotary positions the gradient of the keys' bias is zero, as softmax does not see shifts, and its error that of the others.
 */
function scaleOf(tensors: Tensors, name: string): number {
  const siblings = ["q", "k", "v"].map((part) => name.replace(/(^|\.)[qkv]\./, `$1${part}.`));
  const parts = [...new Set([name, ...siblings])].flatMap((part) => tensors.get(part) ?? []);
  return Math.max(...parts.map((part) => (part.numel() === 0 ? 0 : Number(part.double().abs().max().item()))));
}

const errorOf = (actual: Tensors, truth: Tensors, name: string) =>
  relativeError(actual.get(name), truth.get(name)!, scaleOf(truth, name));

/** Fails unless all tensors, and no others, agree with the truth. */
export function expectTruth(actual: Tensors, truth: Tensors, bound: (name: string) => number): void {
  expect([...actual.keys()].sort()).toEqual([...truth.keys()].sort());
  for (const name of truth.keys()) {
    const error = errorOf(actual, truth, name);
    if (!(error <= bound(name))) throw new Error(`${name} is off by ${error}, allowed is ${bound(name)}`);
  }
}

/**
 * The bound of float32 results, by tensor: four times the error of Python's float32 run, which says how much rounding is magnified
 * there, and a few roundings, as that error may be zero. Over two entries, as a temperature has, it may be small by luck (1.5e-7, where
 * PyTorch has up to 1.7e-6 on other CPUs): tensors of few entries take the largest error in their module.
 */
export function float32Bound(float32: Tensors, truth: Tensors) {
  const errors = new Map([...truth.keys()].map((name) => [name, errorOf(float32, truth, name)]));
  const inModule = (name: string) => {
    const prefix = name.slice(0, name.lastIndexOf(".") + 1);
    return Math.max(...[...errors].filter(([other]) => other.startsWith(prefix)).map(([, error]) => error));
  };
  return (name: string) => 4 * (truth.get(name)!.numel() < FEW ? inModule(name) : errors.get(name)!) + 1e-6;
}
