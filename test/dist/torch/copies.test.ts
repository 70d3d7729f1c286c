/** npm may install a package several times; all copies then live in one process, on one libtorch. */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryLoadNative } from "../../../lib/torch/loader";

const root = join(__dirname, "..", "..", "..");
const folder = mkdtempSync(join(tmpdir(), "noether-copies-"));
const copies = ["a", "b"].map((name) => join(folder, name));

beforeAll(() => {
  for (const copy of copies) {
    mkdirSync(join(copy, "native", "build", "Release"), { recursive: true });
    cpSync(join(root, "dist"), join(copy, "dist"), { recursive: true });
    copyFileSync(join(root, "package.json"), join(copy, "package.json"));
    copyFileSync(
      tryLoadNative().attempts.at(-1)!.path!,
      join(copy, "native", "build", "Release", "noether_native.node"),
    );
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in which `A` and `B` are the two copies; what it prints as JSON. */
function withCopies(program: string): unknown {
  const source = `const { Worker } = require("node:worker_threads");
const paths = ${JSON.stringify(copies.map((copy) => join(copy, "dist", "torch", "index.js")))};
const [A, B] = paths.map((path) => require(path));
(async () => console.log(JSON.stringify(await (async () => { ${program} })())))();`;
  const { NOETHER_NATIVE: _, ...env } = process.env;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", "-e", source], {
    encoding: "utf8",
    env,
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
}

const work = `
const work = (T) => {
  class Square extends T.Function {
    static forward(context, x) { const y = x.mul(x); context.saveForBackward(x, y); return y; }
    static backward(context, gradient) { return context.savedTensors[0].mul(2).mul(gradient); }
  }
  const x = T.tensor([1, 2, 3], { requiresGrad: true });
  x.registerHook((gradient) => gradient.mul(10));
  Square.apply(x).sum().backward();
  const norm = T.nn.utils.getTotalNorm([x.grad]).item();
  const ones = T.ones([1, 1, 2, 4]);
  const rotated = T.ops.call("noether::rotate", ones, T.zeros([1, 2, 2]), T.ones([1, 2, 2]), 1);
  return [x.grad.toArray(), Math.round(norm), rotated.flatten().toArray()];
};`;
const result = [[20, 40, 60], 75, [-1, 1, -1, 1, -1, 1, -1, 1]];

test("both compute, with their own operators, functions and hooks", () => {
  expect(withCopies(`${work} return [work(A), work(B), work(A)];`)).toEqual([result, result, result]);
});

test("each lists its own operators under their public name, and not the other's", () => {
  const names = withCopies(
    `return [A, B].map((T) => T.ops.names().filter((name) => name.startsWith("noether")).sort());`,
  ) as string[][];
  expect(names[0]).toContain("noether::rotate");
  expect(names[0]!.filter((name) => !name.startsWith("noether::"))).toEqual([]);
  expect(names[1]).toEqual(names[0]);
});

test("both see the memory of the process, whoever allocated it", () => {
  const [before, during, after] = withCopies(`
    const bytes = () => [A.memory().bytes, B.memory().bytes];
    const before = bytes();
    const x = A.zeros([1 << 20]), y = B.zeros([1 << 20]);
    const during = bytes();
    x.dispose(); y.dispose();
    A.emptyCache(); B.emptyCache();
    return [before, during, bytes()];`) as number[][];
  expect(during![0]! - before![0]!).toBeGreaterThanOrEqual(2 ** 23);
  expect(during![1]).toBe(during![0]);
  expect(after).toEqual(before);
});

test("a tensor of the other copy is refused, and so is its ticket", () => {
  expect(
    withCopies(`
    const messages = [];
    const attempt = (body) => { try { body(); messages.push("accepted"); } catch (error) { messages.push(error.message.split("\\n")[0]); } };
    const mine = [1, 2, 3].map((value) => B.tensor([value]));
    const theirs = A.tensor([7]);
    attempt(() => mine[0].add(theirs));
    attempt(() => B.cat([mine[0], theirs]));
    attempt(() => B.adoptTensor(A.shareTensor(theirs)));
    B.shareTensor(mine[0]);
    attempt(() => B.adoptTensor(A.shareTensor(theirs)));
    return messages;`),
  ).toEqual([
    expect.stringContaining("Tensor of another copy of noether-ts"),
    expect.stringContaining("another copy of noether-ts"),
    expect.stringContaining("no tensor waits under ticket"),
    expect.stringContaining("no tensor waits under ticket"),
  ]);
});

test("worker threads of both start and end while both work", () => {
  expect(
    withCopies(`${work}
    const program = (path) => \`const T = require(\${JSON.stringify(path)}); \${${JSON.stringify(work)}}
      require("node:worker_threads").parentPort.postMessage(work(T));\`;
    const answers = await Promise.all([0, 1, 0, 1].map((which) => new Promise((resolve, reject) => {
      let answer;
      new Worker(program(paths[which]), { eval: true })
        .on("message", (message) => { answer = message; }).on("error", reject).on("exit", () => resolve(answer));
      work(A); work(B);
    })));
    return [answers, work(A), work(B)];`),
  ).toEqual([[result, result, result, result], result, result]);
});

test("each can be a member of one group", () => {
  const program = `
const member = async (T, rank, port) => {
  const { distributed, full } = T;
  await distributed.initProcessGroup({ initMethod: "tcp://127.0.0.1:" + port, rank, worldSize: 2, backend: "gloo", timeout: 30_000 });
  const sum = (await distributed.allReduce(full([2], rank + 1))).tolist();
  const refused = await distributed.allReduce(full([rank + 1], 1)).catch((error) => error.code);
  await distributed.destroyProcessGroup();
  return [sum, refused];
};
const server = await A.distributed.TCPStore.connect("127.0.0.1", 0, { isServer: true });
return Promise.all([member(A, 0, server.port), member(B, 1, server.port)]);`;
  expect(withCopies(program)).toEqual(Array(2).fill([[3, 3], "ERR_DISTRIBUTED"]));
});
