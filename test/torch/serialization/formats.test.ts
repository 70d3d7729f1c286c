/** Files of every format and version that `torch.load` takes, against what PyTorch makes of them (fixtures/generate_formats.py). */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError, load, loadAsync, save } from "../../../lib/torch/serialization";
import { describeValue, sorted } from "./describe";
import { fixtures, temporaryFolder } from "./fixtures";

interface Case {
  readonly bytes: string;
  readonly value?: unknown;
  readonly refused?: string;
}

const cases = Object.entries(JSON.parse(readFileSync(join(fixtures, "formats.json"), "utf8")) as Record<string, Case>);
const readable = cases.filter(([, { refused }]) => refused === undefined);
const refused = cases.filter(([, { refused: message }]) => message !== undefined);
const folder = temporaryFolder();
const path = join(folder, "case.pt");

const bytesOf = ({ bytes }: Case): Buffer => Buffer.from(bytes, "base64");
const expectedOf = ({ value }: Case): unknown => sorted(value);
const shown = (value: unknown): unknown => sorted(describeValue(value));

test.each(readable)("%s", (_, one) => {
  expect(shown(load(bytesOf(one)))).toEqual(expectedOf(one));
});

test.each(readable)("%s, from a file", (_, one) => {
  writeFileSync(path, bytesOf(one));
  expect(shown(load(path))).toEqual(expectedOf(one));
  expect(shown(load(path, { mmap: true }))).toEqual(expectedOf(one));
});

test.each(readable)("%s, asynchronously", async (_, one) => {
  writeFileSync(path, bytesOf(one));
  expect(shown(await loadAsync(path))).toEqual(expectedOf(one));
});

test.each(readable)("%s, after save", (_, one) => {
  save(load(bytesOf(one)), path);
  expect(shown(load(path))).toEqual(expectedOf(one));
});

test.each(refused)("refuses %s, as what it is", (_, one) => {
  expect(() => load(bytesOf(one))).toThrow(CheckpointError);
  expect(() => load(bytesOf(one))).toThrow(new RegExp(one.refused!));
});

test("what weights_only refuses as content is never called damaged", () => {
  // by hand made broken files aside, a refusal says what the file holds
  for (const [name, one] of refused.filter(([name]) => /, (zip|legacy)$/.test(name))) {
    const message = messageOf(() => load(bytesOf(one)));
    expect([name, message]).toEqual([name, expect.not.stringContaining("expected an intact file")]);
  }
});

function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return String(error);
  }
  return "";
}
