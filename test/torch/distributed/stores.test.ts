import { Worker } from "node:worker_threads";
import { distributed, tensor } from "../../../lib/torch";
import { builtPackage } from "../../support/child";

const { HashStore, PrefixStore, TCPStore } = distributed;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("a TCP store is shared by those that connect", async () => {
  const server = await TCPStore.connect("127.0.0.1", 0, { isServer: true });
  const client = await TCPStore.connect("127.0.0.1", server.port);
  await client.set("key", "value");
  expect(text(await server.get("key"))).toBe("value");
  expect([await server.add("count", 3), await client.add("count", 4)]).toEqual([3, 7]);
  expect(text(await client.compareSet("key", "value", "other"))).toBe("other");
  expect(await client.deleteKey("key")).toBe(true);
  expect(await server.check(["key"])).toBe(false);
  await client.close();
  await server.close();
});

test("a value may come while another call waits for it", async () => {
  const store = new HashStore();
  const waiting = store.get("late");
  await store.set("late", Uint8Array.of(1, 0, 255));
  expect([...(await waiting)]).toEqual([1, 0, 255]);
});

test("a prefix keeps keys apart", async () => {
  const store = new HashStore();
  await new PrefixStore("a", store).set("key", "1");
  expect(await store.check(["key"])).toBe(false);
  expect(text(await store.get("a/key"))).toBe("1");
});

test("a key that never comes is an error that names it", async () => {
  await expect(new HashStore().wait(["never"], 30)).rejects.toThrow(
    /expected the keys never in the store within 0.03 s/,
  );
});

test("a server that is not there is an error", async () => {
  await expect(TCPStore.connect("127.0.0.1", 1, { timeout: 300 })).rejects.toMatchObject({ code: "ERR_DISTRIBUTED" });
});

test("a closed store and a wrong port are refused", async () => {
  const store = new HashStore();
  await store.close();
  await expect(store.set("a", "b")).rejects.toThrow("the store was closed");
  await expect(TCPStore.connect("127.0.0.1", 70000)).rejects.toThrow("expected a port from 0 to 65535");
});

test("an operation without a group says what to do", async () => {
  await expect(distributed.allReduce(tensor([1]))).rejects.toThrow(
    "allReduce: expected a process group, but there is none",
  );
});

test("a group of one process needs no other, also in a worker thread that ends without closing it", async () => {
  const body = `
    const { distributed, tensor } = require(${JSON.stringify(require.resolve("../../../lib/torch"))});
    (async () => {
      const group = await distributed.initProcessGroup({ store: new distributed.HashStore(), rank: 0, worldSize: 1, backend: "gloo" });
      const sum = await distributed.allReduce(tensor([4]));
      require("node:worker_threads").parentPort.postMessage([group.size, sum.tolist()]);
    })();`;
  const worker = new Worker(`require(${JSON.stringify(builtPackage)});${body}`, { eval: true });
  const message = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  expect(message).toEqual([1, [4]]);
  await worker.terminate();
});
