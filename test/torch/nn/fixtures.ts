/** Numbers of PyTorch for these tests; made by fixtures/make_fixtures.py. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../../../lib/torch";
import { type DType, tensor } from "../../../lib/torch";

export interface Stored {
  shape: number[];
  data: number[];
}

interface Fixtures {
  modules: Record<string, Record<string, Stored>>;
  init: Record<string, Stored>;
  inputs: Record<string, Stored>;
  functional: Record<string, Stored>;
  clipping: Record<string, { total: number; grads: number[] }>;
  printed: Record<string, string>;
}

export const fixtures = JSON.parse(readFileSync(join(__dirname, "fixtures/nn.json"), "utf8")) as Fixtures;

export function toTensor({ data, shape }: Stored, dtype: DType = "float64"): Tensor {
  return tensor(data, { dtype }).reshape(shape);
}

/** Relative to the largest entry. */
export function expectClose(actual: Tensor, expected: Stored, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  const scale = Math.max(1e-30, ...expected.data.map(Math.abs));
  const data = actual.dataSync();
  const error = Math.max(0, ...expected.data.map((value, i) => Math.abs(value - Number(data[i])) / scale));
  expect(error).toBeLessThanOrEqual(tolerance);
}
