/**
 * The CUDA kernels (`native/src/cuda`) against the compositions of ATen's operators that stand in for them where they are not built:
 * the same calls in two processes, one of them with `NOETHER_CUDA_KERNELS=0`. Wall time of a call between two synchronisations, median
 * of the rounds. Needs a GPU.
 *
 *   npx tsx benchmarks/cuda-kernels.ts [--points 100000] [--rounds 7] [--only radius,knn]
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { Lion } from "../lib/core/optimizer";
import { knn, knnTable, modulatedNorm, radius, radiusTable } from "../lib/modeling";
import { poolSegments } from "../lib/modeling/functional/pool-segments";
import { rotate } from "../lib/modeling/functional/rotate";
import { cuda, nn, rand, randn, scope, type Tensor } from "../lib/torch";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    points: { type: "string", default: "100000" },
    rounds: { type: "string", default: "7" },
    only: { type: "string", default: "" },
    side: { type: "boolean", default: false },
  },
});
const points = Number(options.points);
const rounds = Number(options.rounds);
/** Neighbours that a radius holds on average. */
const NEIGHBOURS = 32;

/** What is measured: makes its inputs, and gives the call. */
const measured: Record<string, () => () => unknown> = {
  radius: () => {
    const x = rand([points, 3], { device: "cuda" });
    return () => radius(x, x, radiusOf(points), { maxNumNeighbors: NEIGHBOURS });
  },
  knn: () => {
    const x = rand([points, 3], { device: "cuda" });
    return () => knn(x, x, 16);
  },
  "radius table, 4096 supernodes": () => {
    const x = rand([points, 3], { device: "cuda" });
    const y = x.narrow(0, 0, Math.min(4096, points)).contiguous();
    return () => radiusTable(x, y, radiusOf(points), { maxNumNeighbors: NEIGHBOURS });
  },
  "knn table, 4096 supernodes": () => {
    const x = rand([points, 3], { device: "cuda" });
    const y = x.narrow(0, 0, Math.min(4096, points)).contiguous();
    return () => knnTable(x, y, 16);
  },
  "rotary, bfloat16, forward and backward": () => {
    const joint = randn([1, 16384, 3 * 192], { device: "cuda" })
      .to("bfloat16")
      .detach()
      .requiresGrad_();
    const angles = randn([1, 16384, 32], { device: "cuda" });
    const table = { cos: angles.cos(), sin: angles.sin(), pairDistance: 32 };
    const gradient = randn([1, 3, 16384, 64], { device: "cuda" }).to("bfloat16");
    return () => {
      joint.grad = null;
      const q = joint.narrow(2, 0, 192).unflatten(2, [3, 64]).transpose(1, 2); // (B, H, N, d)
      rotate(q, table).backward(gradient);
    };
  },
  "modulated norm, bfloat16, forward and backward": () => {
    const norm = new nn.LayerNorm(192, { elementwiseAffine: false, eps: 1e-6 });
    const leaf = (shape: number[]) => randn(shape, { device: "cuda" }).to("bfloat16").detach().requiresGrad_();
    const [x, scale, shift] = [leaf([1, 16384, 192]), leaf([1, 192]), leaf([1, 192])] as const;
    const gradient = randn([1, 16384, 192], { device: "cuda" }).to("bfloat16");
    return () => {
      for (const tensor of [x, scale, shift]) tensor.grad = null;
      modulatedNorm(norm, x, scale, shift).backward(gradient);
    };
  },
  "mean of messages at 4096 supernodes, bfloat16, forward and backward": () => {
    const values = randn([4096 * NEIGHBOURS, 192], { device: "cuda" })
      .to("bfloat16")
      .detach()
      .requiresGrad_();
    const valid = rand([4096, NEIGHBOURS], { device: "cuda" }).gt(0.1);
    const gradient = randn([4096, 192], { device: "cuda" }).to("bfloat16");
    return () => {
      values.grad = null;
      poolSegments(values, NEIGHBOURS, { valid, mean: true }).backward(gradient);
    };
  },
  "Lion, 300 parameters": () => {
    const parameters: Tensor[] = Array.from({ length: 300 }, (_, i) =>
      randn([i % 2 ? 192 : 192 * 192], { device: "cuda" })
        .detach()
        .requiresGrad_(),
    );
    for (const parameter of parameters) parameter.grad = randn([parameter.size(0)], { device: "cuda" });
    const optimizer = new Lion(parameters, { lr: 1e-4 });
    return () => optimizer.step();
  },
};

/** The radius of a ball that holds so many of the points of a unit cube. */
function radiusOf(count: number): number {
  return (NEIGHBOURS / ((count * 4 * Math.PI) / 3)) ** (1 / 3);
}

/** Median seconds of a call, after two that warm up. */
function seconds(call: () => unknown): number {
  const times: number[] = [];
  for (let round = -2; round < rounds; round++) {
    cuda.synchronize();
    const start = performance.now();
    scope(() => void call());
    cuda.synchronize();
    if (round >= 0) times.push((performance.now() - start) / 1e3);
  }
  return median(times);
}

/** Seconds of each, or what went wrong. */
type Times = Record<string, number | string>;

function measure(): Times {
  const wanted = options.only.split(",").filter(Boolean);
  const names = Object.keys(measured).filter(
    (name) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)),
  );
  return Object.fromEntries(
    names.map((name) => {
      try {
        return [name, scope(() => seconds(measured[name]!()))];
      } catch (error) {
        return [name, String(error).split("\n")[0]!];
      }
    }),
  );
}

if (options.side) {
  console.log(JSON.stringify(measure()));
} else {
  const own = [...process.execArgv, process.argv[1]!, ...process.argv.slice(2), "--side"];
  const run = (kernels: string) =>
    JSON.parse(
      execFileSync(process.execPath, own, {
        encoding: "utf8",
        env: { ...process.env, NOETHER_CUDA_KERNELS: kernels },
        stdio: ["ignore", "pipe", "inherit"],
      }),
    ) as Times;
  console.log(`| ${points} points | kernel, ms | composition, ms | times faster |\n|${"---|".repeat(4)}`);
  const [kernels, compositions] = [run("1"), run("0")];
  const cell = (time: number | string) => (typeof time === "number" ? (time * 1e3).toFixed(3) : `failed: ${time}`);
  for (const [name, time] of Object.entries(kernels)) {
    const other = compositions[name]!;
    const faster = typeof time === "number" && typeof other === "number" ? (other / time).toFixed(1) : "";
    if (faster === "") process.exitCode = 1;
    console.log(`| ${name} | ${cell(time)} | ${cell(other)} | ${faster} |`);
  }
}
