/** Downloads that are killed at any moment and run again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HubServer, someBytes } from "../../support/hub-server";
import { ended, startIo } from "../../support/io-process";
import { S3Server } from "../../support/s3-server";

const folder = mkdtempSync(join(tmpdir(), "noether-kill-"));
const hub = new HubServer();
const s3 = new S3Server();
const contents = Object.fromEntries(
  Array.from({ length: 6 }, (_, i) => [`deep/${i}.bin`, someBytes(3_000_000 + i, i + 1)]),
);
const KILLS = Number(process.env["NOETHER_IO_KILLS"] ?? 6);

beforeAll(async () => {
  await Promise.all([hub.start(), s3.start()]);
  hub.put("models", "o/n", contents);
  for (const [name, content] of Object.entries(contents)) s3.put("b", name, content);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Promise.all([hub.close(), s3.close()]);
});

const environment = (): Record<string, string> => ({
  HF_ENDPOINT: hub.url,
  AWS_ENDPOINT_URL: s3.url,
  HOME: folder,
  HF_TOKEN: "",
});

test.each([
  ["hub", 'await io.fetchHuggingfaceRepoSnapshot("o/n", OUT);'],
  ["s3", 'await io.fetchS3Prefix("b", "deep/", OUT, null, { partSize: 2 ** 18 });'],
])(
  "%s: not a byte is lost, and no half file has a name",
  async (name, program) => {
    const out = join(folder, name);
    const source = program.replace("OUT", JSON.stringify(out));
    let kills = 0;
    let hasEnded = false;
    for (let round = 0; !hasEnded && round < 50; round++) {
      const child = startIo(source, environment());
      const end = ended(child);
      if (kills < KILLS) {
        // after a number of answers that differs from round to round
        const count = hub.storage.requests.length + s3.requests.length + 1 + (round % 4);
        const watch = setInterval(() => {
          if (hub.storage.requests.length + s3.requests.length >= count) child.kill("SIGKILL");
        }, 1);
        const { signal, code, output } = await end;
        clearInterval(watch);
        if (signal === "SIGKILL") kills++;
        else expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
        hasEnded = signal !== "SIGKILL";
      } else {
        const { code, output } = await end;
        expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
        hasEnded = true;
      }
      for (const [path, content] of Object.entries(contents)) {
        const found = readFileOrNull(join(out, path));
        if (found !== null) expect(found.equals(content)).toBe(true);
      }
    }
    expect(kills).toBeGreaterThan(0);
    expect(Object.keys(contents).filter((path) => readFileOrNull(join(out, path)) === null)).toEqual([]);
    // temporary files of dead processes are all that may be left
    const left = readdirSync(join(out, "deep")).filter((each) => !/^\d\.bin$/.test(each));
    expect(left.filter((each) => !each.endsWith(".tmp"))).toEqual([]);
  },
  120_000,
);

function readFileOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
