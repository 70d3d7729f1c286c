import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { OfflineFile } from "../../../lib/core/trackers/wandb-offline-file";
import { temporaryFolder } from "../../support/small-run";

/** What `wandb.proto` of Python's `wandb` 0.31 makes of the records below. */
const BY_PYTHON = [
  "CAGqARIKEAoGMC4xNy4wEgYwLjEzLjA=",
  "CAKKAUcKAnIxEgJtZRoEY2FycyIbCgsKBWRlcHRoggEBMgoMCgRuYW1lggEDIngiQgx3aW5nL2RlZmF1bHRSA25ld4oBBgiA4s+qBg==",
  "CAMSSgoMCgRsb3NzggEDMC41CgsKBV9zdGVwggEBMAoOCghfcnVudGltZYIBATAKGwoKX3RpbWVzdGFtcIIBDDE3MDAwMDAwMDAuNRIA",
  "CAQyHQobChdtZWRpYS9pbWFnZXMvcF8wX2FiLnBuZxgC",
  "CAUaDwoNCgRiZXN0ggEEMC4yNQ==",
  "CAaSAQIIAQ==",
];

/** Records of a log in LevelDB's framing, with every check sum looked at. */
function recordsOf(path: string): Buffer[] {
  const bytes = readFileSync(path);
  expect(bytes.subarray(0, 7).toString("hex")).toBe("3a572642e1be00");
  const records: Buffer[] = [];
  let pieces: Buffer[] = [];
  for (let at = 7; at < bytes.length;) {
    if (32768 - (at % 32768) < 7) at += 32768 - (at % 32768);
    const [sum, length, kind] = [bytes.readUInt32LE(at), bytes.readUInt16LE(at + 4), bytes.readUInt8(at + 6)];
    expect(Math.floor(at / 32768)).toBe(Math.floor((at + 7 + length - 1) / 32768)); // a piece lies in one block
    const piece = bytes.subarray(at + 7, at + 7 + length);
    expect(crc32(piece, crc32(Buffer.from([kind])))).toBe(sum);
    expect(kind === 1 || kind === 2).toBe(pieces.length === 0);
    pieces.push(piece);
    if (kind === 1 || kind === 4) {
      records.push(Buffer.concat(pieces));
      pieces = [];
    }
    at += 7 + length;
  }
  expect(pieces).toEqual([]);
  return records;
}

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  jest.spyOn(Date, "now").mockReturnValue(1_700_000_000_500);
});
afterEach(() => {
  jest.restoreAllMocks();
  folder.remove();
});

const open = (config: object) =>
  new OfflineFile(join(folder.path, "a", "run-r1.wandb"), {
    runId: "r1",
    entity: "me",
    project: "cars",
    displayName: "wing/default",
    tags: ["new"],
    config: config as Record<string, unknown>,
  });

it("has the records that Python's wandb writes", () => {
  const file = open({ depth: 2, name: "x" });
  file.addHistory({ loss: "0.5" }, 0);
  file.addMediaFile("media/images/p_0_ab.png");
  file.addSummary({ best: "0.25" });
  file.finish(1);
  expect(recordsOf(file.path).map((record) => record.toString("base64"))).toEqual(BY_PYTHON);
});

it.each([32_600, 32_680, 32_690, 100_000])("cuts records where blocks end (%i bytes)", (length) => {
  const file = open({ text: "x".repeat(length) });
  for (let step = 0; step < 400; step++) file.addHistory({ loss: String(step) }, step);
  const records = recordsOf(file.path);
  expect(records).toHaveLength(402);
  expect(records[1]!.includes("x".repeat(length))).toBe(true);
});
