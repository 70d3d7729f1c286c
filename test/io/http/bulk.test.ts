/** Answers of raw servers, byte by byte: what the fast way of reading takes, and what it leaves to Node's. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import tls from "node:tls";
import { bulkGet, isBulkPossible } from "../../../lib/io/http/bulk";
import { certificate, key } from "../../support/tls-proxy";

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers each request so. @returns its URL, and the requests */
async function serve(
  answer: (socket: Socket, request: string, count: number) => unknown,
  secure = false,
): Promise<{ url: URL; requests: string[]; connections: () => number }> {
  const requests: string[] = [];
  let connections = 0;
  const connected = (socket: Socket): void => {
    connections++;
    sockets.push(socket.on("error", () => undefined));
    socket.on("data", (data) => {
      requests.push(data.toString("latin1"));
      answer(socket, data.toString("latin1"), requests.length);
    });
  };
  const server = secure ? tls.createServer({ cert: certificate, key }, connected) : createServer(connected);
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http${secure ? "s" : ""}://127.0.0.1:${port}/file?a=b`),
    requests,
    connections: () => connections,
  };
}

const get = async (url: URL, signal?: AbortSignal) =>
  bulkGet(url, { headers: { range: "bytes=0-" }, timeout: 5000, signal });

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));
const sha = (content: Buffer): string => createHash("sha1").update(content).digest("hex");
const head = (length: number, more = ""): string => `HTTP/1.1 206 Partial\r\nContent-Length: ${length}\r\n${more}\r\n`;

async function contentOf(answer: Awaited<ReturnType<typeof get>>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer!.body.chunks()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

test.each([0, 1, 2 ** 18, 2 ** 18 + 1, 3_000_000])("a body of %d bytes", async (length) => {
  const content = bytes(length);
  const { url, requests } = await serve((socket) => socket.write(Buffer.concat([Buffer.from(head(length)), content])));
  const answer = await get(url);
  expect([answer!.status, answer!.headers["content-length"]]).toEqual([206, String(length)]);
  expect(sha(await contentOf(answer))).toBe(sha(content));
  expect(requests[0]).toBe(
    `GET /file?a=b HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\nrange: bytes=0-\r\n\r\n`,
  );
});

test("over TLS", async () => {
  const content = bytes(1_000_000);
  const { url } = await serve(
    (socket) => socket.write(Buffer.concat([Buffer.from(head(content.length)), content])),
    true,
  );
  await expect(get(url)).rejects.toThrow(/certificate/);
  const connect = tls.connect;
  const trusting = jest
    .spyOn(tls, "connect")
    .mockImplementation(((options: tls.ConnectionOptions) => connect({ ...options, ca: certificate })) as never);
  expect(sha(await contentOf(await get(url)))).toBe(sha(content));
  trusting.mockRestore();
});

test("a head and a body that come byte by byte", async () => {
  const { url } = await serve((socket) => {
    const all = Buffer.concat([Buffer.from(head(20)), bytes(20)]);
    const send = (at: number): void => {
      if (at < all.length) socket.write(all.subarray(at, at + 1), () => setImmediate(() => send(at + 1)));
    };
    send(0);
  });
  expect(await contentOf(await get(url))).toEqual(bytes(20));
});

test("a reader that is slower than the server gets every byte, and the next answer comes on the same connection", async () => {
  const content = bytes(4_000_000);
  const { url, connections } = await serve((socket) => {
    socket.write(head(content.length));
    socket.write(content);
  });
  for (let i = 0; i < 3; i++) {
    const hash = createHash("sha1");
    for await (const chunk of (await get(url))!.body.chunks()) {
      const before = sha(chunk);
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
      // nothing was written into what was handed out
      expect(sha(chunk)).toBe(before);
      hash.update(chunk);
    }
    expect(hash.digest("hex")).toBe(sha(content));
  }
  expect(connections()).toBe(1);
});

test("as a stream", async () => {
  const content = bytes(700_000);
  const { url } = await serve((socket) => socket.write(Buffer.concat([Buffer.from(head(content.length)), content])));
  const chunks: Buffer[] = [];
  for await (const chunk of (await get(url))!.body as AsyncIterable<Buffer>) chunks.push(chunk);
  expect(sha(Buffer.concat(chunks))).toBe(sha(content));
});

test.each([
  ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"],
  ["without a length", "HTTP/1.1 200 OK\r\n\r\nabc"],
  ["packed", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
  ["more than it says", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd"],
  ["of another protocol", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"],
  ["something else", "SSH-2.0-OpenSSH\r\n\r\n"],
  ["a folded header", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a\r\n b\r\n\r\nabc"],
  ["a head that does not end", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}`],
  ["a long error", `HTTP/1.1 404 No\r\nContent-Length: ${2 ** 20}\r\n\r\n`],
  ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"],
])("an answer that is %s is left to Node's client", async (_, answer) => {
  const { url } = await serve((socket) => socket.write(answer));
  expect(await get(url)).toBeNull();
});

test("more bytes than announced, later", async () => {
  const { url } = await serve((socket) => {
    socket.write(Buffer.concat([Buffer.from(head(300_000)), bytes(200_000)]));
    setImmediate(() => socket.write(bytes(200_000)));
  });
  await expect(get(url).then(contentOf)).rejects.toThrow("sends more than it says");
});

test("a connection that is cut gives what came, then an error", async () => {
  const { url } = await serve((socket) => socket.end(Buffer.concat([Buffer.from(head(1000)), bytes(400)])));
  const body = (await get(url))!.body.chunks();
  expect((await body.next()).value).toEqual(bytes(400));
  await expect(body.next()).rejects.toThrow("cut");
});

test("no answer: an error in time; nobody there: the system's", async () => {
  const { url } = await serve(() => undefined);
  await expect(bulkGet(url, { headers: {}, timeout: 20 })).rejects.toThrow(/file: no answer for 0.02 s$/);
  const gone = await serve(() => undefined);
  servers.splice(servers.length - 1)[0]!.close();
  await expect(get(gone.url)).rejects.toThrow("ECONNREFUSED");
});

test("a signal ends it before the request, before the answer, and within the body", async () => {
  const silent = await serve(() => stop.abort(new Error("stopped")));
  let stop = new AbortController();
  await expect(get(silent.url, stop.signal)).rejects.toThrow("stopped");
  await expect(get(silent.url, stop.signal)).rejects.toThrow("stopped");
  expect(silent.requests).toHaveLength(1);

  const slow = await serve((socket) => socket.write(Buffer.concat([Buffer.from(head(9)), bytes(3)])));
  stop = new AbortController();
  const rest = contentOf(await get(slow.url, stop.signal));
  stop.abort(new Error("stopped"));
  await expect(rest).rejects.toThrow("stopped");
});

test("a kept connection that the server closes meanwhile is replaced", async () => {
  const { url, connections } = await serve((socket, _, count) =>
    count === 2 ? socket.destroy() : socket.write(Buffer.concat([Buffer.from(head(3)), bytes(3)])),
  );
  expect(await contentOf(await get(url))).toEqual(bytes(3));
  expect(await contentOf(await get(url))).toEqual(bytes(3));
  expect(connections()).toBe(2);
});

test("a reader that stops at the last byte, as those of ranges do, leaves the connection to the next request", async () => {
  const { url, connections } = await serve((socket, _, count) =>
    socket.write(Buffer.concat([Buffer.from(head(3)), Buffer.from([count, count, count])])),
  );
  for (let count = 1; count <= 3; count++)
    for await (const chunk of (await get(url))!.body.chunks()) {
      expect([...chunk]).toEqual([count, count, count]);
      break;
    }
  expect(connections()).toBe(1);
});

test("an answer that is left early does not spoil the next one", async () => {
  const content = bytes(2_000_000);
  const { url } = await serve((socket) => socket.write(Buffer.concat([Buffer.from(head(content.length)), content])));
  for await (const chunk of (await get(url))!.body.chunks()) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect(sha(await contentOf(await get(url)))).toBe(sha(content));
});

test.each([{ "a b": "c" }, { a: "b\r\nhost: elsewhere" }, { a: "€" }])(
  "headers that would be others: %j",
  async (headers) => {
    const { url } = await serve(() => undefined);
    await expect(
      bulkGet(url, { headers: headers as unknown as Record<string, string>, timeout: 1000 }),
    ).rejects.toThrow("expected a header");
  },
);

test("not through a proxy", () => {
  expect(isBulkPossible(new URL("http://x.test/"))).toBe(true);
  process.env["HTTP_PROXY"] = "http://p:1";
  try {
    expect(isBulkPossible(new URL("http://x.test/"))).toBe(false);
  } finally {
    delete process.env["HTTP_PROXY"];
  }
});
