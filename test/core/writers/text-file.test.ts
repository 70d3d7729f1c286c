import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { appendToTextFile, writeTextFile } from "../../../lib/core/writers/text-file";
import { CheckpointFolder } from "../../../lib/core/writers";
import { MetricsFile } from "../../../lib/core/trackers/metrics-file";
import { readMetrics } from "../../../lib/core/trackers/read-metrics";
import { load, zeros } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";
import { smallDisk } from "../../support/small-disk";

const folder = temporaryFolder();
const disk = smallDisk(2 ** 20);
afterAll(() => {
  folder.remove();
  disk?.remove();
});

test("lines are added, to a file that is there or not", () => {
  const path = join(folder.path, "lines");
  appendToTextFile(path, "a\n");
  appendToTextFile(path, "b\n");
  expect(readFileSync(path, "utf8")).toBe("a\nb\n");
});

test("what cannot be written names the file", () => {
  expect(() => appendToTextFile(folder.path, "a\n")).toThrow(`cannot write '${folder.path}': EISDIR`);
  expect(() => writeTextFile(folder.path, "a\n")).toThrow(`cannot write '${folder.path}': `);
});

(disk === null ? describe.skip : describe)("on a disk that fills up", () => {
  const at = (name: string): string => join(disk!.path, name);
  const fill = (left: number): void => writeFileSync(at("filler"), Buffer.alloc(2 ** 20 - left));
  afterEach(() => {
    for (const name of readdirSync(disk!.path)) rmSync(at(name), { recursive: true });
  });

  test("a file is what it was, and nothing else is left", () => {
    writeTextFile(at("file"), "before");
    fill(2 ** 16);
    expect(() => writeTextFile(at("file"), "x".repeat(2 ** 17))).toThrow(/cannot write '.*file': ENOSPC.*unchanged/);
    expect(readFileSync(at("file"), "utf8")).toBe("before");
    expect(readdirSync(disk!.path).sort()).toEqual(["file", "filler"]);
  });

  test("metrics have no half line, and go on when there is room", () => {
    const metrics = new MetricsFile(at("metrics.jsonl"));
    metrics.append({ update: 1 });
    fill(2 ** 14);
    expect(() => metrics.append({ update: 2, note: "x".repeat(2 ** 16) })).toThrow(/metrics\.jsonl': ENOSPC/);
    rmSync(at("filler"));
    metrics.append({ update: 3 });
    expect(readMetrics(at("metrics.jsonl"))).toEqual([{ update: 1 }, { update: 3 }]);
  });

  test("a checkpoint is dropped as a whole, the one before stays, and the next is written when there is room", () => {
    const checkpoints = new CheckpointFolder(at("checkpoints"));
    const save = (value: number): void => {
      const step = checkpoints.begin();
      step.write("small.th", { value });
      step.write("large.th", { value: zeros([50_000]).add(value) }); // 200 kB
      step.commit();
    };
    const saved = () => [load(checkpoints.fileOf("small.th")), load<{ value: { toArray: () => number[] } }>(checkpoints.fileOf("large.th")).value.toArray()[0]]; // prettier-ignore
    save(1);
    const before = readdirSync(at("checkpoints"));
    fill(350_000);
    expect(() => save(2)).toThrow(
      /cannot write checkpoint file '.*large\.th': .*(ENOSPC|[Nn]o space).*files that were there before are unchanged/,
    );
    expect(readdirSync(at("checkpoints"))).toEqual(before);
    expect(saved()).toEqual([{ value: 1 }, 1]);
    rmSync(at("filler"));
    save(3);
    expect(saved()).toEqual([{ value: 3 }, 3]);
  });
});
