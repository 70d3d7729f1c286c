/**
 * The native attention operator on random sizes, layouts and magnitudes, against the formula in float64 and beside ATen's
 * flash attention. NOETHER_CASES=10000 makes it as many.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import {
  cpuKernels,
  getNumThreads,
  grad,
  manualSeed,
  noGrad,
  ops,
  randn,
  setNumThreads,
  softmax,
  tensor,
} from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { native } from "../../lib/torch/addon";
import { attentionKernel } from "../../lib/torch/kernels";
import { tryLoadNative } from "../../lib/torch/loader";
import { relative } from "./helpers";

type Attention = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

const cases = Number(process.env.NOETHER_CASES ?? 20);
const own: Attention = (q, k, v) => ops.call("noether::attention", q, k, v) as Tensor;
const aten: Attention = (q, k, v) =>
  (ops.call("aten::_scaled_dot_product_flash_attention_for_cpu", q, k, v) as Tensor[])[0]!;
const formula: Attention = (q, k, v) => softmax(q.matmul(k.transpose(-1, -2)).div(Math.sqrt(q.size(3))), -1).matmul(v);

/** Numbers from 0 to 1 that depend on the seed alone. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** (B, H, N, d) in one of the layouts that models have. */
function layout(kind: number, [batch, heads, tokens, channels]: number[], scale = 1, shift = 0): Tensor {
  const values = (...size: number[]) => randn(size).mul(scale).add(shift);
  if (kind === 0) return values(batch!, heads!, tokens!, channels!);
  if (kind === 1) return values(batch!, tokens!, heads!, channels!).transpose(1, 2);
  if (kind === 2) return values(1, heads!, tokens!, channels!).expand([batch!, -1, -1, -1]);
  // A part of longer rows, at an odd place.
  const rows = values(batch!, tokens!, heads!, 3 * channels! + 5).transpose(1, 2);
  return rows.narrow(3, channels! + 3, channels!);
}

/** Output and gradients. */
function run(f: Attention, inputs: readonly Tensor[], weight: Tensor): Tensor[] {
  const [q, k, v] = inputs.map((input) => input.detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
  const out = f(q, k, v);
  return [out.detach(), ...(grad([out], [q, k, v], { gradOutputs: [weight] }) as Tensor[])];
}

function randomCase(index: number) {
  const random = generator(index * 7919 + 1);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const [batch, heads, channels] = [between(1, 2), between(1, 3), 8 * between(1, 16)];
  const [queries, keys] = [between(1, 130), between(1, 300)];
  manualSeed(index);
  const magnitude = 10 ** (random() * 2 - 1.5); // of logits: from nearly equal weights to one key alone
  const shift = random() < 0.3 ? 10 : 0;
  const layouts = between(0, 63);
  const q = layout(layouts & 3, [batch, heads, queries, channels], magnitude);
  const k = layout((layouts >> 2) & 3, [batch, heads, keys, channels], magnitude, shift);
  const v = layout(layouts >> 4, [batch, heads, keys, channels], 10 ** (random() * 6 - 3));
  const weight = layout(between(0, 1), [batch, heads, queries, channels]);
  return { inputs: [q, k, v], weight, name: `${queries} x ${keys} x ${channels}` };
}

const kernels = cpuKernels()
  .attention.filter(({ available }) => available)
  .map(({ name }) => name);

afterEach(() => native.preferKernel(""));

// "" is what the table chooses, ATen's where there is no kernel.
describe.each(
  ["", ...kernels].flatMap((kernel) => [
    { kernel, dtype: "float32" as const },
    { kernel, dtype: "bfloat16" as const },
  ]),
)("$kernel in $dtype", ({ kernel, dtype }) => {
  beforeEach(() => native.preferKernel(kernel));

  test(`${cases} random cases are as exact as ATen's`, () => {
    const names = ["output", "gradient of q", "gradient of k", "gradient of v"];
    const sums = { own: [0, 0, 0, 0], aten: [0, 0, 0, 0] };
    for (let index = 0; index < cases; index++) {
      const { inputs, weight, name } = randomCase(index);
      const low = inputs.map((input) => input.to(dtype));
      const expected = run(
        formula,
        low.map((input) => input.double()),
        weight.to(dtype).double(),
      );
      const [actual, theirs] = [run(own, low, weight.to(dtype)), run(aten, low, weight.to(dtype))];
      for (const [i, result] of names.entries()) {
        const [error, reference] = [relative(actual[i]!, expected[i]!), relative(theirs[i]!, expected[i]!)];
        // What a single case may be worse by: ATen's may be lucky.
        const floor = dtype === "float32" ? 1e-6 : 4e-3;
        if (!(error <= 3 * reference + floor))
          throw new Error(`case ${index}, ${name}, ${result}: error ${error}, ATen's ${reference}`);
        sums.own[i]! += error;
        sums.aten[i]! += reference;
      }
    }
    for (const [i] of names.entries()) expect(sums.own[i]! / sums.aten[i]!).toBeLessThanOrEqual(2);
  });

  test("values that are infinite or not a number end where the formula's do, and ATen's", () => {
    for (let index = 0; index < 40; index++) {
      const random = generator(index + 77);
      const channels = 8 * (1 + (index % 16));
      manualSeed(index);
      // Ordinary logits: where a weight underflows, zero times infinity is not a number, and how small it may be differs.
      const values = (tokens: number) => randn([1, 2, tokens, channels]).to(dtype);
      // ATen's loses some in bfloat16: an infinite query of 8 channels gives numbers there.
      if (dtype === "bfloat16" && attentionKernel(64, 64, channels, dtype) === null) continue;
      const [q, k, v] = [values(64 + index), values(64 + 7 * index), values(64 + 7 * index)] as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const poison = [Infinity, -Infinity, NaN][index % 3]!;
      const target = [q, k, v][Math.floor(random() * 3)]!;
      const at = target.shape.map((size) => Math.floor(random() * size));
      target.index(...at).fill_(poison);
      const [actual, expected, theirs] = noGrad(() => [
        own(q, k, v),
        formula(q.double(), k.double(), v.double()),
        aten(q, k, v),
      ]) as [Tensor, Tensor, Tensor];
      expect(actual.isnan().equal(expected.isnan())).toBe(true);
      expect(actual.isfinite().equal(expected.isfinite())).toBe(true);
      if (dtype === "float32") expect(actual.isnan().equal(theirs.isnan())).toBe(true);
    }
  });

  test("extreme logits have the weights of the formula", () => {
    // Logits of -2e4 to 2e4, all far below zero, all far above it, and values near the end of the range.
    const moves = [
      { by: 100, values: 1 },
      { by: 1, values: 1e28 },
      { by: 1, values: 1e-30 },
    ];
    manualSeed(1);
    for (const { by, values } of moves) {
      const [q, k] = [randn([1, 2, 70, 64]).mul(by).to(dtype), randn([1, 2, 300, 64]).mul(by).to(dtype)];
      const v = randn([1, 2, 300, 64]).mul(values).to(dtype);
      const out = own(q, k, v);
      expect(relative(out, formula(q.double(), k.double(), v.double()))).toBeLessThan(
        dtype === "float32" ? 2e-3 : 2e-2, // ten thousand in float32 has two digits after the point
      );
    }
    for (const level of [-50, 50]) {
      const one = tensor([1]).expand([1, 2, 70, 64]).mul(level).to(dtype);
      const k = randn([1, 2, 300, 64]).mul(0.01).add(10).to(dtype);
      const v = randn([1, 2, 300, 64]).to(dtype);
      expect(relative(own(one, k, v), formula(one.double(), k.double(), v.double()))).toBeLessThan(
        dtype === "float32" ? 1e-3 : 2e-2,
      );
    }
  });

  test("gives the same bits for any number of threads", () => {
    const threads = getNumThreads();
    const { weight, ...rest } = randomCase(3);
    const inputs = rest.inputs.map((input) => input.to(dtype));
    try {
      const results = [1, 2, 5].map((count) => {
        setNumThreads(count);
        return run(own, inputs, weight.to(dtype));
      });
      for (const other of results.slice(1))
        other.forEach((value, i) => expect(value.equal(results[0]![i]!)).toBe(true));
    } finally {
      setNumThreads(threads);
    }
  });
});

test("small problems and odd head sizes take ATen's, large ones the kernel where there is one", () => {
  expect(attentionKernel(8, 8, 64)).toBeNull();
  expect(attentionKernel(512, 512, 60)).toBeNull();
  expect(attentionKernel(512, 512, 136)).toBeNull();
});

test("eight threads at once give the bits of one", async () => {
  const workerData = { addon: tryLoadNative().attempts.at(-1)!.path!, shape: [3, 200, 64], rounds: 5 };
  const answer = () =>
    new Promise<string>((resolve, reject) => {
      const worker = new Worker(path.join(__dirname, "attention-worker.cjs"), { workerData });
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  const alone = await answer();
  const together = await Promise.all(Array.from({ length: 8 }, answer));
  expect(together.map((bytes) => bytes === alone)).toEqual(Array(8).fill(true));
});
