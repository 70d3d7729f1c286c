import { Worker } from "node:worker_threads";
import { distributed, full } from "../../../lib/torch";
import { builtPackage } from "../../support/child";

/** What a member does: a sum, a training step, a call that does not fit; rank r has r + 1. */
const MEMBER = `
async (torch, rank, port) => {
  const { distributed, full, nn } = torch;
  await distributed.initProcessGroup({ initMethod: "tcp://127.0.0.1:" + port, rank, worldSize: 2, backend: "gloo", timeout: 30_000 });
  const sum = (await distributed.allReduce(full([2], rank + 1))).tolist();
  const net = await distributed.DistributedDataParallel.create(new nn.Linear(1, 1, { bias: false }));
  net.forward(full([1, 1], rank + 1)).sum().backward();
  net.checkGradients();
  const gradient = net.module.weight.grad.item();
  const refused = await distributed.allReduce(full([rank + 1], 1)).catch((error) => error.code);
  await distributed.destroyProcessGroup();
  return { sum, gradient, refused };
}`;

test("two threads of one process are two members, each with a group of its own", async () => {
  const server = await distributed.TCPStore.connect("127.0.0.1", 0, { isServer: true });
  const body = (rank: number): string => `
    require(${JSON.stringify(builtPackage)});
    const torch = require(${JSON.stringify(require.resolve("../../../lib/torch"))});
    (${MEMBER})(torch, ${rank}, ${server.port}).then((result) => require("node:worker_threads").parentPort.postMessage(result));`;
  const results = await Promise.all(
    [0, 1].map(async (rank) => {
      const worker = new Worker(body(rank), { eval: true });
      const result = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      await worker.terminate();
      return result;
    }),
  );
  expect(results).toEqual(Array(2).fill({ sum: [3, 3], gradient: 1.5, refused: "ERR_DISTRIBUTED" }));
  await server.close();
});

test("this thread is in no group of theirs", () => {
  expect([distributed.isInitialized(), distributed.getWorldSize()]).toEqual([false, 1]);
});

test("a second group, a wrong backend and a rank of no process are refused", async () => {
  const alone = { store: new distributed.HashStore(), rank: 0, worldSize: 1 };
  await expect(distributed.initProcessGroup({ ...alone, backend: "mpi" })).rejects.toThrow(
    'expected a backend "gloo", "nccl" or "cpu:gloo,cuda:nccl", got "mpi"',
  );
  await distributed.initProcessGroup({ ...alone, backend: "gloo" });
  await expect(distributed.initProcessGroup(alone)).rejects.toThrow("expected one call, but the group is there");
  await expect(distributed.broadcast(full([1], 1), 3)).rejects.toThrow(
    "expected a process of the group (0), got rank 3",
  );
  await distributed.destroyProcessGroup();
});

const withoutNccl = distributed.isNcclAvailable() ? test.skip : test;
withoutNccl("NCCL in a build that has none is an error that says what to do", async () => {
  const alone = { store: new distributed.HashStore(), rank: 0, worldSize: 1 };
  await expect(distributed.initProcessGroup({ ...alone, backend: "nccl" })).rejects.toThrow(
    /this build has no NCCL: build it against a CUDA libtorch/,
  );
  expect(distributed.isInitialized()).toBe(false);
});
