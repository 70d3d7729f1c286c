/** Memory that JavaScript and libtorch share, and objects that hold each other: whatever is done, nothing dangles and nothing stays. */
import { printed, runProgram, torchPath } from "../../support/child";

describe("sharedData", () => {
  const attempts: [string, string][] = [
    ["resize_", `x.resize_([5_000_000])`],
    ["resize_ to nothing and back", `x.resize_([0]); x.resize_([5_000_000])`],
    ["an out= that resizes", `const big = T.randn([500_000]); T.add(big, big, { out: x })`],
    ["resizeAs_", `x.resizeAs_(T.zeros([2000, 2000]))`],
    ["set_", `T.ops.call("aten::set_", x); T.ops.call("aten::resize_", x, [5_000_000])`],
    ["setData", `x.setData(T.ones([3]))`],
    ["a copy-on-write clone", `const y = x._lazyClone(); x.add_(1); y.dispose()`],
    ["disposal", `x.dispose()`],
  ];
  test("the array keeps its memory through everything", () => {
    const program = attempts.map(
      ([name, body]) => `{
        const x = T.zeros([100_000]), other = x.view([1000, 100]);
        const array = x.sharedData();
        array.fill(7);
        try { ${body}; } catch (error) { if (!(error instanceof T.TorchError)) throw error; }
        other.dispose();
        T.emptyCache();
        for (let i = 0; i < 100; i++) T.full([100_000], 3);
        console.log(${JSON.stringify(name)}, array.filter((value) => value !== 7 && value !== 8).length);
      }`,
    );
    expect(printed(program.join("\n"))).toEqual(attempts.map(([name]) => `${name} 0`));
  });

  test("a refused resize says why", () => {
    const [message] = printed(
      `const x = T.zeros([4]); x.sharedData(); try { x.resize_([100]); } catch (error) { console.log(error.message); }`,
    );
    expect(message).toMatch(/sharedData/);
  });

  test("views share one buffer, and new arrays can be made when old ones are gone", () => {
    const lines = printed(`
      const x = T.zeros([1000]);
      console.log(x.sharedData().buffer === x.view([10, 100]).sharedData().buffer);
      for (let round = 0; round < 50; round++) {
        x.sharedData()[round] = 1;
        gc();
        await turn();
      }
      console.log(x.sum().item());`);
    expect(lines).toEqual(["true", "50"]);
  });
});

describe("fromBuffer", () => {
  const taken: [string, string][] = [
    ["structuredClone", `structuredClone(buffer, { transfer: [buffer] })`],
    ["postMessage", `new MessageChannel().port1.postMessage(buffer, [buffer])`],
    ["a worker", `new Worker("", { eval: true, workerData: buffer, transferList: [buffer] }).terminate()`],
    ["transfer()", `buffer.transfer?.()`],
  ];
  test("memory that something takes is kept, or its use is an error", () => {
    const program = taken.map(
      ([name, body]) => `{
        let buffer = new Float32Array(1 << 20).fill(1).buffer;
        const x = T.fromBuffer(new Float32Array(buffer));
        try { ${body}; } catch {}
        buffer = null;
        for (let i = 0; i < 5; i++) { gc(); await turn(); }
        let answer;
        try { answer = x.sum().item() === 1 << 20; } catch (error) { answer = error.code === "ERR_MEMORY_LOST"; }
        console.log(${JSON.stringify(name)}, answer);
      }`,
    );
    const lines = printed(
      `const { Worker } = require("node:worker_threads"); ${program.join("\n")} process.exit();`,
    );
    expect(lines).toEqual(taken.map(([name]) => `${name} true`));
  });

  test("memory of WebAssembly that grew and ended is lost, not read", () => {
    const lines = printed(`
      let memory = new WebAssembly.Memory({ initial: 1, maximum: 10 });
      const x = T.fromBuffer(new Float32Array(memory.buffer)).requiresGrad_();
      const loss = x.mul(x).sum();
      memory.grow(1);
      memory = null;
      for (let i = 0; i < 5; i++) { gc(); await turn(); }
      const attempt = (body) => { try { body(); console.log("accepted"); } catch (error) { console.log(error.code); } };
      attempt(() => x.sum());
      attempt(() => x.toArray());
      attempt(() => x.view([-1]));
      attempt(() => loss.backward());
      attempt(() => T.cat([x, x]));
      attempt(() => T.shareTensor(x));
      x.dispose();`);
    expect(lines).toEqual(Array(6).fill("ERR_MEMORY_LOST"));
  });

  test("sparse tensors over it are looked after too", () => {
    const [code] = printed(`
      let memory = new WebAssembly.Memory({ initial: 1, maximum: 10 });
      const values = T.fromBuffer(new Float32Array(memory.buffer, 0, 2));
      const x = T.sparseCooTensor(T.tensor([[0n, 1n]]), values, [2]);
      memory.grow(1);
      try { x.toDense(); console.log("accepted"); } catch (error) { console.log(error.code); }`);
    expect(code).toBe("ERR_MEMORY_LOST");
  });

  test.each([
    ["a resizable ArrayBuffer", `new Float32Array(new ArrayBuffer(16, { maxByteLength: 64 }))`],
    ["an array that was transferred", `(() => { const a = new Float32Array(4); structuredClone(a.buffer, { transfer: [a.buffer] }); return a; })()`],
  ])("refuses %s", (_, array) => {
    const [name] = printed(`try { T.fromBuffer(${array}); } catch (error) { console.log(error.name); }`);
    expect(name).toBe("TypeError");
  });

  test("a getter in the shape cannot take the memory away in between", () => {
    const lines = printed(`
      for (const make of [(a, shape) => T.fromTypedArray(a, shape), (a, shape) => T.fromBuffer(a, shape), (a, shape) => T.fromBytes(a, shape, "float32")]) {
        const array = new Float32Array(1 << 20).fill(1);
        let reads = 0;
        const shape = [1 << 20];
        Object.defineProperty(shape, 0, { get() { if (++reads > 3) structuredClone(array.buffer, { transfer: [array.buffer] }); return 1 << 20; } });
        try { console.log(make(array, shape).sum().item()); } catch (error) { console.log(1 << 20); }
      }`);
    expect(lines).toEqual(Array(3).fill(`${2 ** 20}`));
  });
});

describe("tensors of a worker that has ended", () => {
  /** A worker runs `made`, which posts what \`shared\` is; then it ends. \`x\` is the tensor here. */
  const outlived = (made: string, then: string): string[] =>
    printed(`
      const { Worker } = require("node:worker_threads");
      const worker = new Worker(${JSON.stringify(`
        const T = require(${JSON.stringify(torchPath)});
        const big = () => T.fromBuffer(new Float32Array(1 << 20).fill(3));
        ${made}
        require("node:worker_threads").parentPort.postMessage(T.shareTensor(x));`)}, { eval: true });
      let x;
      worker.on("message", (message) => { x = T.adoptTensor(message); });
      worker.on("error", (error) => { throw error; });
      await new Promise((resolve) => worker.on("exit", resolve));
      for (let i = 0; i < 20; i++) new Float32Array(1 << 20).fill(9);
      ${then}`);

  test("the gradient is copied where it is JavaScript's memory, and a leaf stays a leaf", () => {
    const lines = outlived(
      `const x = T.zeros([1 << 20]).requiresGrad_(); x.grad = big();`,
      `console.log(x.grad.sum().item(), x.isLeaf, x.requiresGrad, x.gradFn);`,
    );
    expect(lines).toEqual([`${3 * 2 ** 20} true true null`]);
  });

  test("the tensor itself is", () => {
    const lines = outlived(
      `const x = big().requiresGrad_();`,
      `console.log(x.sum().item(), x.isLeaf, x.requiresGrad, x.gradFn); x.sum().backward(); console.log(x.grad.sum().item());`,
    );
    expect(lines).toEqual([`${3 * 2 ** 20} true true null`, `${2 ** 20}`]);
  });

  test("the values of a sparse one are", () => {
    const lines = outlived(
      `const x = T.sparseCooTensor(T.arange(1 << 20, { dtype: "int64" }).unsqueeze(0), big(), [1 << 20]);`,
      `console.log(x.toDense().sum().item());`,
    );
    expect(lines).toEqual([`${3 * 2 ** 20}`]);
  });

  test("what a worker sets on a tensor that it was given outlives it", () => {
    const lines = printed(`
      const { Worker } = require("node:worker_threads");
      const x = T.zeros([1 << 20]).requiresGrad_(), y = T.zeros([1 << 20]);
      const worker = new Worker(${JSON.stringify(`
        const T = require(${JSON.stringify(torchPath)});
        const [x, y] = require("node:worker_threads").workerData.map(T.adoptTensor);
        x.grad = T.fromBuffer(new Float32Array(1 << 20).fill(3));
        y.setData(T.fromBuffer(new Float32Array(1 << 20).fill(5)));`)},
        { eval: true, workerData: [T.shareTensor(x), T.shareTensor(y)] });
      await new Promise((resolve) => worker.on("exit", resolve));
      for (let i = 0; i < 20; i++) new Float32Array(1 << 20).fill(9);
      console.log(x.grad.sum().item(), y.sum().item());`);
    expect(lines).toEqual([`${3 * 2 ** 20} ${5 * 2 ** 20}`]);
  });

  test("the addon stays usable when the worker that loaded it first has ended", () => {
    const { status, signal, stdout, stderr } = runProgram(`
      const path = ${JSON.stringify(torchPath)};
      const { Worker } = require("node:worker_threads");
      const source = "const T = require(" + JSON.stringify(path) + "); const x = T.randn([1000], { requiresGrad: true }); x.exp().sum().backward(); x.registerHook(() => undefined);";
      for (let i = 0; i < 3; i++) await new Promise((resolve) => new Worker(source, { eval: true }).on("exit", resolve));
      console.log("ended");`.replace(/^/, "T.zeros([1]);"));
    expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: "ended\n", stderr: "" });
  });
});

describe("cycles between tensors and JavaScript", () => {
  const classes = `
    class Exp extends T.Function {
      static forward(context, x) { const y = x.exp(); context.saveForBackward(y); return y; }
      static backward(context, gradient) { return gradient.mul(context.savedTensors[0]); }
    }
    class Property extends T.Function {
      static forward(context, x) { const y = x.exp(); context.y = y; return y; }
      static backward(context, gradient) { return gradient.mul(context.y); }
    }
    class View extends T.Function {
      static forward(context, x) { const y = x.exp(); context.saveForBackward(y.view([-1]), y); return y; }
      static backward(context, gradient) { return gradient.mul(context.savedTensors[1]); }
    }
    class Two extends T.Function {
      static forward(context, x) { const y = x.exp(), z = x.sin(); context.saveForBackward(y, z, x); return [y, z]; }
      static backward(context, a, b) { return context.savedTensors[0]; }
    }`;
  const makers: [string, string][] = [
    ["a function that saves its own output", `Exp.apply(x)`],
    ["one that keeps it as a property", `Property.apply(x)`],
    ["one that saves a view of it", `View.apply(x)`],
    ["one that saves two of them", `Two.apply(x)`],
    ["a chain of them", `Exp.apply(Property.apply(View.apply(x)))`],
    ["a hook that names its own tensor", `const y = x.exp(); y.registerHook((g) => g.mul(y));`],
    ["a hook of a leaf that names it", `const y = T.zeros([10], { requiresGrad: true }); y.registerHook((g) => g.mul(y));`],
    ["a hook that names what is made of its tensor", `const y = T.zeros([10], { requiresGrad: true }); const z = Exp.apply(y.mul(2)); y.registerHook((g) => g.mul(z.sum()));`],
    ["hooks that name each other's tensors", `const y = x.exp(), z = x.sin(); y.registerHook(() => void z); z.registerHook(() => void y);`],
  ];
  test.each([
    ["by the collector", "make()"],
    ["with its scope", "T.scope(make)"],
  ])("are freed %s", (_, run) => {
    const program = makers.map(
      ([name, make]) => `{
        const x = T.randn([10], { requiresGrad: true });
        const before = T.memory().tensors;
        const make = () => { ${make} };
        for (let i = 0; i < 200; i++) {
          ${run};
          if (i % 50 === 0) { gc(); await turn(); }
        }
        for (let i = 0; i < 4; i++) { gc(); await turn(); }
        console.log(${JSON.stringify(name)}, T.memory().tensors - before < 10);
      }`,
    );
    expect(printed(`${classes}${program.join("\n")}`)).toEqual(makers.map(([name]) => `${name} true`));
  });

  test("collected in a synchronous loop too", () => {
    const [peak] = printed(`${classes}
      const x = T.randn([100_000], { requiresGrad: true });
      for (let i = 0; i < 3000; i++) { const y = Exp.apply(x); y.registerHook((g) => g.mul(y)); }
      console.log(T.memory().peakBytes / 2 ** 20);`);
    expect(Number(peak)).toBeLessThan(256);
  });

  test("what a live graph needs stays, through collections of either kind", () => {
    const lines = printed(`${classes}
      let calls = 0;
      const x = T.ones([3], { requiresGrad: true });
      const loss = (() => {
        const y = Property.apply(x);
        y.registerHook((g) => { calls++; return g.mul(y.shape[0]); });
        return Exp.apply(y.mul(1)).sum();
      })();
      for (let i = 0; i < 5; i++) { gc(); await turn(); x.registerHook(() => undefined); }
      for (let i = 0; i < 2000; i++) T.zeros([100_000]);
      loss.backward();
      const expected = 3 * Math.exp(Math.E) * Math.E;
      console.log(calls, Math.abs(x.grad.index(0).item() - expected) < 1e-3);`);
    expect(lines).toEqual(["1 true"]);
  });

  test("a collection inside a hook leaves the pass that runs what it needs", () => {
    const lines = printed(`${classes}
      const x = T.ones([3], { requiresGrad: true });
      const build = () => {
        const a = Exp.apply(x), b = Exp.apply(a);
        a.registerHook((g) => g.mul(2));
        b.registerHook(() => { for (let i = 0; i < 2000; i++) T.zeros([100_000]); });
        return b.sum();
      };
      build().backward();
      console.log((x.grad.index(0).item() / (Math.exp(Math.E) * Math.E)).toFixed(3));`);
    expect(lines).toEqual(["2.000"]);
  });
});
