/** Two network namespaces as hosts: processes that have nothing in common but a network, which can be cut. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { builtPackage } from "../../support/child";

const script = join(__dirname, "fixtures", "host.ts");
const names = [0, 1].map((index) => `noether-${process.pid}-${index}`);
const links = [0, 1].map((index) => `nt${process.pid % 100_000}${"ab"[index]!}`);
const address = (index: number): string => `10.213.7.${index + 1}`;
const ip = (...args: string[]): string | null => {
  const { status, stderr, error } = spawnSync("ip", args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
  });
  return status === 0 ? null : (error?.message ?? stderr.trim());
};
/** Null when the two hosts are there, else why they cannot be. */
const refused = [
  ...names.map((name) => ["netns", "add", name]),
  ["link", "add", links[0]!, "netns", names[0]!, "type", "veth", "peer", "name", links[1]!, "netns", names[1]!],
  ...names.flatMap((name, index) => [
    ["-n", name, "addr", "add", `${address(index)}/24`, "dev", links[index]!],
    ["-n", name, "link", "set", links[index]!, "up"],
    ["-n", name, "link", "set", "lo", "up"],
  ]),
].reduce<string | null>((failure, args) => failure ?? ip(...args), null);
afterAll(() => names.forEach((name) => ip("netns", "del", name)));
if (refused !== null) console.warn(`skipped: hosts as network namespaces (${refused})`);
const whenPermitted = refused === null ? test : test.skip;

interface Line {
  readonly sum?: number[];
  readonly message?: string;
  readonly code?: string;
}

/** Starts a rank on each host; what each prints. */
function start(port: number, ...args: string[]): { child: ChildProcess; lines: Line[]; first: Promise<unknown> }[] {
  return names.map((name, rank) => {
    const child = spawn("ip", ["netns", "exec", name, process.execPath, "--require", builtPackage, script, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`,
        OMP_NUM_THREADS: "1",
        RANK: String(rank),
        WORLD_SIZE: "2",
        LOCAL_RANK: "0",
        LOCAL_WORLD_SIZE: "1",
        MASTER_ADDR: address(0),
        MASTER_PORT: String(port),
        GLOO_SOCKET_IFNAME: links[rank]!,
      },
    });
    const lines: Line[] = [];
    const reader = createInterface({ input: child.stdout! });
    const first = once(reader, "line");
    reader.on("line", (line) => lines.push(JSON.parse(line) as Line));
    return { child, lines, first };
  });
}

whenPermitted("processes on two hosts add up", async () => {
  const ranks = start(29_501);
  await Promise.all(ranks.map(({ child }) => once(child, "close")));
  expect(ranks.map(({ lines }) => lines)).toEqual([[{ sum: [3, 3, 3, 3] }], [{ sum: [3, 3, 3, 3] }]]);
});

whenPermitted("a link that is cut is an error on both hosts once the time is over", async () => {
  const ranks = start(29_502, "--endless");
  await Promise.all(ranks.map(({ first }) => first));
  expect(ip("-n", names[0]!, "link", "set", links[0]!, "down")).toBeNull();
  await Promise.all(ranks.map(({ child }) => once(child, "close")));
  for (const [rank, { lines }] of ranks.entries()) {
    expect(lines[1]!.message).toMatch(new RegExp(`^rank ${rank} of 2: allReduce failed after`));
    expect(lines[1]!.code).toBe("ERR_DISTRIBUTED");
  }
});
