/** Numbers of PyTorch for these tests; made by ../fixtures/make_utils.py, which builds the same inputs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { nn, Tensor } from "../../../../lib/torch";
import { tensor } from "../../../../lib/torch";
import type { Stored } from "../fixtures";

interface Passes {
  output: Stored;
  grads: Record<string, Stored>;
  state: Record<string, Stored>;
  evaluated: Stored;
}

interface Fixtures {
  norms: Record<string, Passes>;
  parametrized: Passes & {
    printed: string;
    keys: string[];
    removed: { keys: string[]; weight: Stored; printed: string };
  };
  inits: Record<string, Stored>;
  classes: Record<string, { output: Stored; grad: Stored; state: Record<string, Stored>; printed: string }>;
  fusions: Record<string, Record<string, Stored>>;
  hooks: {
    log: (string | [name: string, gradients: (Stored | null)[]])[];
    x: Stored;
    y: Stored;
    weight: Stored;
    "without gradients of inputs": [name: string, gradients: (Stored | null)[]][];
    "state dicts": string[];
  };
  copies: Record<string, unknown>;
}

export const stored = JSON.parse(readFileSync(join(__dirname, "../fixtures/utils.json"), "utf8")) as Fixtures;

/** sin(0.7 i + 0.3 + phase) in row-major order. */
export function closed(shape: readonly number[], phase = 0): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Array.from({ length: count }, (_, i) => Math.sin(0.7 * i + 0.3 + phase));
  return tensor(data, { dtype: "float64" }).reshape([...shape]);
}

export function weighted(x: Tensor): Tensor {
  return x.mul(closed(x.shape, 1)).sum();
}

/** Passes of training with gradients of the last one, then one of evaluation, compared with what PyTorch computed. */
export function expectPasses(module: nn.Module, shape: number[], trainings: number, expected: Passes): void {
  const pass = (): Tensor => {
    const out = module.forward(closed(shape)) as Tensor | [Tensor];
    return Array.isArray(out) ? out[0] : out;
  };
  let output = pass.call(null);
  for (let i = 0; i < trainings; i++) {
    if (i > 0) output = pass();
    module.zeroGrad();
    weighted(output).backward();
  }
  expectAll({ output }, { output: expected.output });
  const grads = module.namedParameters().flatMap(([name, { grad }]) => (grad === null ? [] : [[name, grad] as const]));
  expectAll(Object.fromEntries(grads), expected.grads);
  expectAll(Object.fromEntries(module.stateDict()), expected.state);
  module.eval();
  expectAll({ evaluated: pass() }, { evaluated: expected.evaluated });
}

/** The same names, in the same order, and values to 1e-10. */
export function expectAll(actual: Record<string, Tensor>, expected: Record<string, Stored>, tolerance = 1e-10): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect([name, actual[name]!.shape]).toEqual([name, shape]);
    const error = actual[name]!.detach()
      .double()
      .flatten()
      .sub(tensor(data, { dtype: "float64" }))
      .abs();
    expect([name, data.length === 0 || error.max().item() <= tolerance]).toEqual([name, true]);
  }
}
