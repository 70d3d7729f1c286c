/** What CUDA graphs have to do on a real GPU; plain functions that throw, for the tests and for `scripts/gpu-check.sh`. */
import {
  amp,
  cat,
  cuda,
  dropout,
  full,
  manualSeed,
  mseLoss,
  nn,
  ones,
  optim,
  rand,
  scope,
  type Tensor,
  zeros,
} from "../../lib/torch";
import { type CaptureCase, captureCases } from "../training/trainers/capture-cases";

const device = "cuda";

function expectEqual(what: string, got: unknown, expected: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(expected))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

const graphs: CaptureCase[] = [
  {
    name: "a graph reads its inputs where they lie, and writes its outputs",
    run: async () => {
      const x = zeros([3], { device });
      const recorded = new cuda.CUDAGraph();
      const y = cuda.graph(recorded, () => x.mul(2).add(1));
      for (const value of [1, 5]) {
        x.fill_(value);
        recorded.replay();
        expectEqual("output", y.to("cpu").toArray(), Array<number>(3).fill(2 * value + 1));
      }
      recorded.reset();
    },
  },
  {
    name: "random numbers go on from replay to replay, as without a graph",
    run: async () => {
      const x = ones([1000], { device });
      const eager = (): number[] => scope(() => dropout(x, 0.5, true).to("cpu").toArray() as number[]);
      manualSeed(5);
      const expected = [eager(), eager(), eager()];
      const recorded = new cuda.CUDAGraph();
      const y = cuda.graph(recorded, () => dropout(x, 0.5, true));
      manualSeed(5);
      const got = expected.map(() => {
        recorded.replay();
        return y.to("cpu").toArray();
      });
      expectEqual("dropped entries", got, expected);
      expectEqual("different draws", new Set(got.map(String)).size, 3);
      recorded.reset();
    },
  },
  {
    name: "after a recording that failed the device works, draws random numbers, and records again",
    run: async () => {
      const x = ones([8], { device });
      let message = "";
      try {
        cuda.graph(new cuda.CUDAGraph(), () => dropout(x, 0.5, true).sum().item());
      } catch (error) {
        message = String(error);
      }
      if (message === "") throw new Error("expected an error from item() in a recording");
      expectEqual("sum", x.add(1).sum().item(), 16);
      dropout(x, 0.5, true).sum().item();
      const recorded = new cuda.CUDAGraph();
      const y = cuda.graph(recorded, () => dropout(x.mul(3), 0, true));
      recorded.replay();
      expectEqual("output", y.to("cpu").toArray(), Array<number>(8).fill(3));
      recorded.reset();
    },
  },
  {
    name: "a function is recorded once per shape, and its inputs are copied in",
    run: async () => {
      const captured = new cuda.CapturedFunction((inputs: { x: ReturnType<typeof ones>; scale: number }) => ({
        y: cat([inputs.x, inputs.x]).mul(inputs.scale),
      }));
      for (const [size, scale] of [3, 3, 4, 3, 4, 4, 3].map((value, i) => [value, (i % 2) + 1] as const)) {
        scope(() => {
          const x = rand([size], { device });
          const { y } = captured.call({ x, scale });
          expectEqual("output", y.to("cpu").toArray(), cat([x, x]).mul(scale).to("cpu").toArray());
        });
      }
      expectEqual("reason for not capturing", captured.fallBack, null);
      captured.reset();
    },
  },
  {
    name: "a loop of one's own, with a tensor as learning rate and a gradient scaler",
    run: async () => {
      const [eager, captured] = [ownLoop(false), ownLoop(true)];
      for (const [i, value] of eager.entries())
        if (!(Math.abs(captured[i]! - value) <= 1e-5 * (1 + Math.abs(value))))
          throw new Error(`expected ${eager.join()}, got ${captured.join()}`);
    },
  },
];

/** A loop of one's own, as docs/capture.md has it, with a gradient scaler: weights and scale after it. */
function ownLoop(captured: boolean): number[] {
  return scope(() => {
    manualSeed(1);
    const data = rand([10, 8, 4]);
    const model = new nn.Linear(3, 1).to(device) as nn.Linear;
    const lr = full([], 1e-2, { device });
    const optimizer = new optim.AdamW(model.parameters(), { lr });
    const scaler = new amp.GradScaler({ initScale: 256, growthInterval: 3 });
    const run = ({ x, y }: { x: Tensor; y: Tensor }): Tensor => {
      const loss = mseLoss(model.forward(x), y);
      scaler.scale(loss).backward();
      scaler.unscale_(optimizer);
      nn.utils.clipGradNorm_(model.parameters(), 1);
      scaler.step(optimizer);
      scaler.update();
      optimizer.zeroGrad();
      return loss.detach();
    };
    const update = new cuda.CapturedFunction(run);
    const losses = Array.from({ length: 10 }, (_, i) =>
      scope(() => {
        lr.fill_(1e-2 * (i + 1));
        const batch = data.select(0, i).to(device); // (8, 4)
        const inputs = {
          x: batch.narrow(1, 0, 3).mul(i === 5 ? Infinity : 1),
          y: batch.narrow(1, 3, 1),
        };
        const loss = (captured ? update.call(inputs) : run(inputs)).item();
        return i === 5 ? Number(scaler.overflow!.item() !== 0) : loss;
      }),
    );
    expectEqual("reason for not capturing", update.fallBack, null);
    const weights = model.parameters().flatMap((one) => one.detach().to("cpu").reshape([-1]).toArray() as number[]);
    update.reset();
    return [...losses, ...weights, scaler.getScale()];
  });
}

export const cases: CaptureCase[] = [
  ...graphs,
  ...captureCases(device).map(({ name, run }) => ({ name: `training: ${name}`, run })),
];
