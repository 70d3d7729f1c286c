/**
 * Backward passes on a thread of the addon, with JavaScript that the JavaScript thread runs for them. On a device this is so where a
 * graph has hooks or functions of JavaScript; here it is asked for on the CPU, and comes by itself where passes nest deep.
 */
import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import {
  enableGrad,
  Function,
  type FunctionContext,
  grad,
  isGradEnabled,
  manualSeed,
  ones,
  rand,
  scope,
  tensor,
  type Tensor,
  TorchError,
} from "../../lib/torch";
import { native } from "../../lib/torch/addon";
import { tryLoadNative } from "../../lib/torch/loader";

class Square extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    context.saveForBackward(x);
    return x.mul(x);
  }
  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return context.savedTensors[0]!.mul(gradient).mul(2);
  }
}

const leaf = (values = [1, 2, 3]): Tensor => tensor(values).requiresGrad_(true);

describe.each([
  ["here", false],
  ["beside", true],
])("a pass %s", (_name, beside) => {
  beforeAll(() => native.runBackwardBeside(beside));
  afterAll(() => native.runBackwardBeside(false));

  test("calls hooks and functions, and takes their gradients", () =>
    scope(() => {
      const x = leaf();
      const seen: number[][] = [];
      x.registerHook((gradient) => void seen.push(gradient.toArray() as number[]));
      const y = Square.apply(x);
      y.registerHook((gradient) => gradient.mul(10));
      y.sum().backward();
      expect(seen).toEqual([[20, 40, 60]]);
      expect(x.grad!.toArray()).toEqual([20, 40, 60]);
    }));

  test("gives second derivatives", () =>
    scope(() => {
      const x = leaf();
      const [first] = grad(Square.apply(x).mul(x).sum(), x, { createGraph: true });
      const [second] = grad(first!.sum(), x);
      expect(second!.toArray()).toEqual([6, 12, 18]); // x³: 6x
    }));

  test("throws what a hook threw, as the same object, and the next pass works", () =>
    scope(() => {
      const x = leaf();
      const y = x.mul(2);
      const thrown = new RangeError("of the hook");
      const hook = y.registerHook(() => {
        throw thrown;
      });
      let caught: unknown;
      try {
        y.sum().backward(null, { retainGraph: true });
      } catch (error) {
        caught = error;
      }
      expect(caught).toBe(thrown);
      hook.remove();
      y.sum().backward();
      expect(x.grad!.toArray()).toEqual([2, 2, 2]);
    }));

  test("throws the error of a gradient that does not fit", () =>
    scope(() => {
      const y = leaf().mul(2);
      y.registerHook(() => ones([4]));
      expect(() => y.sum().backward()).toThrow(TorchError);
    }));

  test("records in hooks only where it is recorded itself", () =>
    scope(() => {
      const modes: boolean[] = [];
      const y = leaf().mul(2);
      y.registerHook(() => void modes.push(isGradEnabled()));
      y.sum().backward(null, { retainGraph: true });
      y.sum().backward(null, { createGraph: true });
      expect(modes).toEqual([false, true]);
      expect(isGradEnabled()).toBe(true);
    }));

  test.each([1, 3, 70, 130])("runs passes within hooks, %i deep", (depth) =>
    scope(() => {
      const inner = (level: number): number =>
        scope(() =>
          enableGrad(() => {
            const x = leaf([level + 1]);
            const y = x.mul(2);
            let below = 0;
            y.registerHook(() => void (below = level === 0 ? 0 : inner(level - 1)));
            y.sum().backward();
            return below + x.grad!.item();
          }),
        );
      expect(inner(depth - 1)).toBe(2 * depth);
    }),
  );

  test("passes on an error from the innermost of nested passes", () =>
    scope(() => {
      const thrown = new Error("innermost");
      const inner = (level: number): void =>
        enableGrad(() => {
          const y = leaf().mul(2);
          y.registerHook(() => {
            if (level === 0) throw thrown;
            inner(level - 1);
          });
          y.sum().backward();
        });
      expect(() => inner(50)).toThrow(thrown);
      expect(() => inner(2)).toThrow(thrown);
    }));

  test("draws the random numbers that the thread draws", () =>
    scope(() => {
      manualSeed(3);
      const expected = rand([2]).toArray();
      manualSeed(3);
      const y = leaf().mul(2);
      let drawn: unknown;
      y.registerHook(() => void (drawn = rand([2]).toArray()));
      y.sum().backward();
      expect(drawn).toEqual(expected);
    }));
});

const addon = tryLoadNative().attempts.at(-1)!.path!;

/** A pass beside the thread, through x·2 with a hook; `hook()` is what the program puts in. */
const PROGRAM = `
const native = require(process.env.ADDON ?? require("node:worker_threads").workerData.addon);
native.runBackwardBeside(true);
const [mul, sum] = [["aten::mul", "Tensor"], ["aten::sum", ""]].map((name) => native.operator(...name));
const make = () => {
  const x = native.fromBytes(new Float32Array([1, 2, 3]), [3], 6);
  native.setRequiresGrad(x, true);
  return x;
};
const pass = (hook) => {
  native.setGradEnabled(true); // hooks do not record
  const x = make();
  const y = native.call(mul, x, x);
  native.registerHook(y, (gradient) => {
    native.free(gradient);
    hook();
    return 0;
  });
  native.backward([native.call(sum, y)], null, false, false, null);
  return Array.from(new Float32Array(native.toBytes(native.grad(x))));
};
`;

describe("a pass beside a thread that ends", () => {
  const run = (program: string) =>
    spawnSync(process.execPath, ["-e", PROGRAM + program], {
      encoding: "utf8",
      env: { ...process.env, ADDON: addon },
      timeout: 60_000,
    });

  test("process.exit in a hook ends the process with its code", () => {
    const { status, signal, stderr } = run("pass(() => process.exit(7));");
    expect({ status, signal, stderr }).toEqual({ status: 7, signal: null, stderr: "" });
  });

  test("process.exit in a hook within a hook, too", () => {
    const { status, signal, stderr } = run("pass(() => pass(() => process.exit(8)));");
    expect({ status, signal, stderr }).toEqual({ status: 8, signal: null, stderr: "" });
  });

  test("a process whose passes are done ends by itself", () => {
    const { status, stdout, stderr } = run("console.log(pass(() => undefined).join());");
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "2,4,6\n", stderr: "" });
  });
});

describe("passes beside worker threads", () => {
  const start = (program: string) => {
    const worker = new Worker(`${PROGRAM}const { parentPort } = require("node:worker_threads");${program}`, {
      eval: true,
      workerData: { addon },
    });
    const message = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    const exit = new Promise((resolve) => worker.once("exit", resolve));
    return { worker, message, exit };
  };

  test("run side by side, each with its own hooks", async () => {
    const many = Array.from({ length: 4 }, () =>
      start("let calls = 0; for (let i = 0; i < 50; i++) pass(() => calls++); parentPort.postMessage(calls);"),
    );
    for (const { message } of many) await expect(message).resolves.toBe(50);
    for (const { exit } of many) await expect(exit).resolves.toBe(0);
  });

  test("a worker that is terminated inside of a hook ends, and this thread's passes go on", async () => {
    const { worker, message, exit } = start('pass(() => { parentPort.postMessage("in"); for (;;); });');
    await expect(message).resolves.toBe("in");
    await worker.terminate();
    await expect(exit).resolves.toBe(1);
    native.runBackwardBeside(true);
    try {
      const x = leaf();
      const y = x.mul(3);
      let calls = 0;
      y.registerHook(() => void calls++);
      y.sum().backward();
      expect([calls, x.grad!.toArray()]).toEqual([1, [3, 3, 3]]);
    } finally {
      native.runBackwardBeside(false);
    }
  });
});
