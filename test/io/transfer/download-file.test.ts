/** Everything that goes wrong between a server and a file, against servers on the loopback. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import {
  configureLogging,
  downloadFile,
  downloadFiles,
  Hub,
  remoteS3Object,
  repoRef,
  type RemoteFile,
} from "../../../lib/io";
import { ownMark } from "../../../lib/io/files/process-mark";
import { remoteHubFile } from "../../../lib/io/huggingface/remote-hub-file";
import { clientConfig } from "../../../lib/io/s3";
import { s3Sdk, type S3Client } from "../../../lib/io/s3/sdk";
import type { Fault, FaultyServer } from "../../support/faulty-server";
import { gitSha1, HubServer, someBytes } from "../../support/hub-server";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";
import { TestClock } from "../../support/test-clock";
import { createHash } from "node:crypto";

const folder = temporaryFolder();
const hub = new HubServer();
const s3 = new S3Server();
let client: S3Client;
const small = someBytes(900, 3);
const middle = someBytes(300_000, 5);
/** Nine parts of half a MiB, the last one short. */
const partSize = 2 ** 19;
const large = someBytes(17 * 2 ** 18 + 17, 7);
const messages: string[] = [];

beforeAll(async () => {
  await Promise.all([hub.start(), s3.start()]);
  hub.put("models", "o/n", { "small.bin": small, "middle.bin": middle, "large.bin": large });
  for (const [name, content] of Object.entries({ small, middle, large })) s3.put("b", `${name}.bin`, content);
  const { S3Client: Client } = await s3Sdk();
  client = new Client(clientConfig({ AWS_ENDPOINT_URL: s3.url }));
});
beforeEach(() => {
  messages.length = 0;
  configureLogging({ debug: true, sink: (level, message) => messages.push(`${level} ${message}`) });
});
afterEach(() => {
  hub.faults.length = hub.storage.faults.length = s3.faults.length = 0;
  hub.requests.length = hub.storage.requests.length = s3.requests.length = 0;
});
afterAll(async () => {
  configureLogging();
  client.destroy();
  await Promise.all([hub.close(), s3.close()]);
});

const contents = { small, middle, large };
type Size = keyof typeof contents;

const services = {
  hub: {
    server: (size: Size): FaultyServer => (size === "small" ? hub : hub.storage),
    remote: (size: Size): RemoteFile => {
      const content = contents[size];
      const etag = size === "small" ? gitSha1(content) : createHash("sha256").update(content).digest("hex");
      const ref = repoRef("o/n");
      return remoteHubFile(new Hub({ endpoint: hub.url, token: null }), ref, {
        path: `${size}.bin`,
        size: content.length,
        etag,
      });
    },
  },
  s3: {
    server: (_size: Size): FaultyServer => s3,
    remote: (size: Size): RemoteFile => {
      const etag = createHash("md5").update(contents[size]).digest("hex");
      return remoteS3Object("b", { key: `${size}.bin`, size: contents[size].length, etag }, { client });
    },
  },
};
type Service = keyof typeof services;

const names = Object.keys(services) as Service[];
const target = (): string => folder.at("out", "file.bin");
const left = (): string[] => (existsSync(folder.at("out")) ? readdirSync(folder.at("out")) : []);
const GET = /^GET /;

/** Fetches in spite of the fault; no byte is lost and nothing stays beside the file. */
async function survives(service: Service, size: Size, faults: Fault[], retries = 5): Promise<TestClock> {
  const { server, remote } = services[service];
  server(size).faults.push(...faults);
  const clock = new TestClock();
  await downloadFile(remote(size), target(), { clock, retries, partSize, idleTimeout: 500 });
  expect(readFileSync(target()).equals(contents[size])).toBe(true);
  expect(server(size).faults).toEqual([]);
  expect(left()).toEqual(["file.bin"]);
  return clock;
}

describe.each(names)("%s", (service) => {
  test.each<Size>(["small", "middle", "large"])("a %s file as it is", async (size) => {
    const clock = await survives(service, size, []);
    expect(clock.sleeps).toEqual([]);
  });

  test.each([408, 429, 500, 502, 503, 504])("status %d passes", async (status) => {
    const clock = await survives(service, "middle", [{ match: GET, status, times: 2 }]);
    expect(clock.sleeps).toEqual([1000, 2000]);
  });

  test.each<[string, Fault]>([
    ["cut before the first byte", { match: GET, cutAfter: 0 }],
    ["cut in the middle", { match: GET, cutAfter: 100_000 }],
    ["cut before the last byte", { match: GET, cutAfter: 299_999 }],
    ["ended early as if that were all", { match: GET, endAfter: 1000 }],
    ["of a wrong length", { match: GET, wrongLength: 1234 }],
    ["with a wrong bit", { match: GET, corrupt: true }],
    ["stalled", { match: GET, stallAfter: 5000 }],
    ["in small pieces", { match: GET, slow: true }],
  ])("a transfer %s", async (_, fault) => {
    await survives(service, "middle", [fault]);
  });

  test.each<[string, Fault]>([
    ["cut", { match: GET, cutAfter: 200_000, times: 7 }],
    ["ended early", { match: GET, endAfter: 200_000, times: 3 }],
    ["with a wrong bit", { match: GET, corrupt: true }],
    ["stalled", { match: GET, stallAfter: 200_000, times: 2 }],
    ["whole where a part was asked for", { match: GET, ignoreRange: true }],
    ["refused", { match: GET, status: 503, times: 4 }],
  ])("a large file in parts, one %s", async (_, fault) => {
    await survives(service, "large", [fault]);
  });

  test("each byte that came is kept: what is fetched again begins where the last try ended", async () => {
    await survives(service, "middle", [
      { match: GET, cutAfter: 100_000 },
      { match: GET, cutAfter: 50_000 },
    ]);
    const starts = services[service]
      .server("middle")
      .seen(/^GET .*(middle|[0-9a-f]{64})/)
      .map(({ headers }) => headers.range);
    expect(starts).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
    expect(Number(/\d+/.exec(starts[1]!)![0])).toBeGreaterThan(0);
  });

  test("a row of failures that makes progress is not given up", async () => {
    await survives(service, "middle", [{ match: GET, cutAfter: 20_000, times: 9 }], 2);
  });

  test("a server that stays away is given up after so many tries, and what was there stays", async () => {
    const { server, remote } = services[service];
    server("middle").faults.push({ match: GET, status: 503, times: 99 });
    await downloadFile(remote("small"), target(), { clock: new TestClock() }).catch(() => undefined);
    writeFileSync(target(), "the old file");
    const clock = new TestClock();
    await expect(downloadFile(remote("middle"), target(), { clock, retries: 3 })).rejects.toThrow("503");
    expect(clock.sleeps).toEqual([1000, 2000, 4000]);
    expect(readFileSync(target(), "utf8")).toBe("the old file");
    expect(left()).toEqual(["file.bin"]);
  });

  test.each([400, 401, 403, 404, 410])("status %d is an error at once", async (status) => {
    const { server, remote } = services[service];
    server("middle").faults.push({ match: GET, status, times: 99 });
    const clock = new TestClock();
    await expect(downloadFile(remote("middle"), target(), { clock })).rejects.toThrow();
    expect(clock.sleeps).toEqual([]);
    expect(left()).toEqual([]);
  });

  test("what the server asks to wait is waited", async () => {
    const clock = await survives(service, "middle", [{ match: GET, status: 429, headers: { "retry-after": "17" } }]);
    expect(clock.sleeps).toEqual([17_000]);
  });

  test.each<Size>(["middle", "large"])(
    "a %s file that is wrong each time is an error, and nothing of it is kept",
    async (size) => {
      const { server, remote } = services[service];
      server(size).faults.push({ match: GET, corrupt: true, times: 99 });
      await expect(downloadFile(remote(size), target(), { clock: new TestClock(), partSize })).rejects.toThrow(
        /expected the (md5|sha256)/,
      );
      expect(left()).toEqual([]);
    },
  );

  test("a server that ends early each time is an error", async () => {
    const { server, remote } = services[service];
    server("middle").faults.push({ match: GET, wrongLength: 10, times: 99 });
    await expect(downloadFile(remote("middle"), target(), { clock: new TestClock() })).rejects.toThrow(
      "expected a file of 300000 bytes",
    );
    expect(left()).toEqual([]);
  });

  test.each([1, 2])("what another process left is continued, %d parts at a time", async (parts) => {
    const { server, remote } = services[service];
    const isWhole = { match: GET, times: 5 };
    const cut = { match: GET, cutAfter: parts === 1 ? 1_500_000 : 100_000, times: 99 };
    server("large").faults.push(...(parts === 1 ? [cut] : [isWhole, cut]));
    const first = downloadFile(remote("large"), target(), { clock: new TestClock(), retries: 0, parts, partSize });
    await expect(first).rejects.toThrow("cut");
    expect(left().some((name) => name.endsWith(".part"))).toBe(true);
    server("large").faults.length = 0;
    let [resumed, came] = [0, 0];
    const progress = {
      update: (bytes: number) => void (came += bytes),
      resume: (bytes: number) => void (resumed += bytes),
    };
    await downloadFile(remote("large"), target(), { clock: new TestClock(), parts, partSize, progress });
    expect(readFileSync(target()).equals(large)).toBe(true);
    expect(resumed + came).toBe(large.length);
    expect(resumed).toBeGreaterThan(1_000_000);
    expect(left()).toEqual(["file.bin"]);
  });

  test("two downloads of one file at the same time do not disturb each other", async () => {
    const { remote } = services[service];
    await Promise.all(
      [1, 2, 3].map(async () => downloadFile(remote("large"), target(), { clock: new TestClock(), partSize })),
    );
    expect(readFileSync(target()).equals(large)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
  });

  test("a part of another version is not continued", async () => {
    const { server, remote } = services[service];
    server("large").faults.push({ match: GET, cutAfter: 1_500_000, times: 99 });
    await downloadFile({ ...remote("large"), version: "older" }, target(), {
      clock: new TestClock(),
      retries: 0,
      parts: 1,
    }).catch(() => undefined);
    server("large").faults.length = 0;
    const resume = jest.fn();
    await downloadFile(remote("large"), target(), {
      clock: new TestClock(),
      progress: { update: () => undefined, resume },
    });
    expect(readFileSync(target()).equals(large)).toBe(true);
    expect(resume).not.toHaveBeenCalled();
  });

  test("a damaged part that is continued is found by the checksum, and the file fetched anew", async () => {
    const { server, remote } = services[service];
    server("large").faults.push({ match: GET, cutAfter: 3_000_000, times: 1 });
    await downloadFile(remote("large"), target(), { clock: new TestClock(), retries: 0, parts: 1 }).catch(
      () => undefined,
    );
    const part = folder.at(
      "out",
      left().find((name) => name.endsWith(".part"))!,
    );
    const bytes = readFileSync(part);
    bytes.fill(0, 0, 10);
    writeFileSync(part, bytes);
    await downloadFile(remote("large"), target(), { clock: new TestClock(), parts: 1 });
    expect(readFileSync(target()).equals(large)).toBe(true);
    expect(messages.filter((line) => line.startsWith("WARNING"))).toHaveLength(1);
  });
});

test("an object that changes while it is fetched is an error", async () => {
  const remote = remoteS3Object("b", { key: "middle.bin", size: middle.length, etag: "0".repeat(32) }, { client });
  await expect(downloadFile(remote, target(), { clock: new TestClock() })).rejects.toThrow(
    "changed while it was fetched",
  );
});

test.each([
  ["aws:kms", true],
  ["AES256", false],
])("the ETag of an object that is encrypted by %s is compared: %s", async (sse, isAccepted) => {
  s3.put("b", "sealed", middle, "f".repeat(32), { "x-amz-server-side-encryption": sse });
  const remote = remoteS3Object("b", { key: "sealed", size: middle.length, etag: "f".repeat(32) }, { client });
  const fetched = downloadFile(remote, target(), { clock: new TestClock() });
  await (isAccepted ? expect(fetched).resolves.toBe(middle.length) : expect(fetched).rejects.toThrow("md5"));
});

test("too little room is an error before anything is asked for", async () => {
  const downloads = [{ remote: services.s3.remote("large"), target: target() }];
  const freeSpace = async (): Promise<number> => Promise.resolve(1000);
  await expect(downloadFiles(downloads, folder.path, { freeSpace })).rejects.toThrow(
    `Insufficient space: need ≈${large.length} bytes, free=1000 bytes`,
  );
  expect(s3.requests).toEqual([]);
});

test("what an earlier try has left needs no room again", async () => {
  const downloads = [{ remote: services.s3.remote("large"), target: target() }];
  s3.faults.push({ match: GET, cutAfter: 2 * 2 ** 20, times: 99 });
  await expect(downloadFile(downloads[0]!.remote, target(), { retries: 0 })).rejects.toThrow();
  s3.faults.length = 0;
  const had = left().map((name) => statSync(folder.at("out", name)).blocks * 512);
  const room = large.length - Math.max(...had);
  expect(room).toBeLessThan(large.length - 2 ** 20);
  const freeSpace = async (): Promise<number> => Promise.resolve(room);
  await downloadFiles(downloads, folder.path, { freeSpace });
  expect(readFileSync(target()).equals(large)).toBe(true);
});

test("all files are tried, and all that failed are told", async () => {
  s3.faults.push({ match: /middle/, status: 403 });
  const downloads = (["small", "middle", "large"] as const).map((size) => ({
    remote: services.s3.remote(size),
    target: folder.at("out", size),
  }));
  await expect(downloadFiles(downloads, folder.path, { clock: new TestClock() })).rejects.toThrow(
    "1 errors encountered",
  );
  expect(left().sort()).toEqual(["large", "small"]);
});

test("what killed processes left in the folder, and nobody continues, is removed", async () => {
  const dead = ownMark.replace(/-\d+-/, "-999999999-");
  mkdirSync(folder.at("out"));
  for (const mark of [dead, ownMark]) writeFileSync(folder.at("out", `.x.${mark}.0123456789ab.tmp`), "half");
  await downloadFiles([{ remote: services.s3.remote("small"), target: target() }], folder.path);
  expect(left()).toEqual([`.x.${ownMark}.0123456789ab.tmp`, "file.bin"]);
});

test("a download that is stopped leaves its part", async () => {
  s3.faults.push({ match: GET, stallAfter: 1_200_000, times: 9 });
  const stop = new AbortController();
  const progress = { update: () => stop.abort(new Error("stopped")), resume: () => undefined };
  const fetched = downloadFile(services.s3.remote("large"), target(), { signal: stop.signal, progress, parts: 1 });
  await expect(fetched).rejects.toThrow("stopped");
  expect(left().filter((name) => name.endsWith(".part"))).toHaveLength(1);
});
