/**
 * Each kernel for matrix products on random sizes and layouts, against float64 and beside ATen's. NOETHER_CASES=10000
 * makes it as many.
 */
import { autocast, cpuKernels, getNumThreads, grad, manualSeed, ops, randn, setNumThreads } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { native } from "../../lib/torch/addon";
import { relative } from "./helpers";

const cases = Number(process.env.NOETHER_CASES ?? 20);
const kernels = cpuKernels()
  .matmul.filter(({ available }) => available)
  .map(({ name }) => name);

afterEach(() => native.preferKernel(""));

/** A matrix in one of the layouts that have rows or columns next to each other. */
function layout(kind: number, rows: number, columns: number): Tensor {
  if (kind === 0) return randn([rows, columns]);
  if (kind === 1) return randn([columns, rows]).t();
  if (kind === 2) return randn([rows, columns + 7]).narrow(1, 3, columns);
  return randn([columns, rows + 5])
    .narrow(1, 2, rows)
    .t();
}

function size(index: number, salt: number, most: number): number {
  return 1 + ((Math.imul(index + 1, 2654435761 + salt * 97) >>> 7) % most);
}

// where ATen's kernels do everything there is none of ours to try
const tried = kernels.length > 0 ? describe : describe.skip;
tried.each((kernels.length > 0 ? kernels : [""]).map((kernel) => ({ kernel })))("$kernel", ({ kernel }) => {
  it.each(["float32", "bfloat16"] as const)(`multiplies ${cases} random cases in %s as exactly as ATen`, (dtype) => {
    const sums = { own: 0, aten: 0 };
    for (let index = 0; index < cases; index++) {
      manualSeed(index);
      // Every fifth has a long sum, as gradients of weights have.
      const [m, n, k] = [size(index, 1, 220), size(index, 2, 220), size(index, 3, index % 5 ? 600 : 4000)];
      const [left, right] = [layout(index % 4, m, k).to(dtype), layout((index >> 2) % 4, k, n).to(dtype)];
      const expected = left.double().matmul(right.double());
      native.preferKernel(kernel);
      const actual = ops.call("noether::matmul", left, right) as Tensor;
      native.preferKernel("");
      const [error, reference] = [
        relative(actual, expected),
        relative(ops.call("aten::mm", left, right) as Tensor, expected),
      ];
      if (!(error <= 3 * reference + (dtype === "float32" ? 2e-7 : 1e-3)))
        throw new Error(`case ${index}, ${m} x ${k} x ${n}: error ${error}, ATen's ${reference}`);
      sums.own += error;
      sums.aten += reference;
    }
    expect(sums.own / sums.aten).toBeLessThanOrEqual(2);
  });

  it("computes a layer under autocast, with gradients in the types of the parameters", () => {
    manualSeed(4);
    const [x, weight, bias] = [randn([2, 70, 96]), randn([50, 96]), randn([50])];
    const formula = (...[a, w, b]: Tensor[]) => a!.matmul(w!.t()).add(b!);
    const layer = (a: Tensor, w: Tensor, b: Tensor) => ops.call("noether::linear", a, w, b) as Tensor;
    const run = (f: typeof layer, type: "float32" | "float64") => {
      const leaves = [x, weight, bias].map((t) => t.to(type).detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
      const out = f(...leaves);
      return [out, ...(grad([out.to(type).square().sum()], leaves) as Tensor[])];
    };
    const expected = run(formula, "float64");
    native.preferKernel(kernel);
    const actual = run(
      (...inputs) => autocast({ deviceType: "cpu", dtype: "bfloat16" }, () => layer(...inputs)),
      "float32",
    );
    actual.forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(1e-2));
    expect(actual.map(({ dtype }) => dtype)).toEqual(["bfloat16", "float32", "float32", "float32"]);
    run(layer, "float32").forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(2e-6));
  });

  it("gives the same bits for any number of threads", () => {
    const threads = getNumThreads();
    native.preferKernel(kernel);
    try {
      for (const [m, n, k] of [
        [300, 70, 100],
        [40, 50, 3000],
      ] as const) {
        manualSeed(m);
        const [left, right] = [randn([m, k]), randn([k, n])];
        const results = [1, 2, 5].map((count) => {
          setNumThreads(count);
          return ops.call("noether::matmul", left, right) as Tensor;
        });
        expect(results.map((result) => result.equal(results[0]!))).toEqual([true, true, true]);
      }
    } finally {
      setNumThreads(threads);
    }
  });
});

test("a kernel that this machine lacks cannot be preferred", () => {
  expect(() => native.preferKernel("vax")).toThrow(/expected the name of a kernel that this machine has, got "vax"/);
});
