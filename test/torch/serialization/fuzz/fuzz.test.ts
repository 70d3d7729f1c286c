/**
 * Mutated files through `load` and `loadSafetensors`: each gives a value whose tensors can be read, or one typed error.
 * NOETHER_FUZZ sets the number of files (default 100,000), NOETHER_FUZZ_SEED the stream.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { memory, nn, scope, Tensor, tensor, TorchError, zeros } from "../../../../lib/torch";
import {
  attributesOf,
  Float,
  load,
  loadSafetensors,
  OrderedDict,
  save,
  tuple,
} from "../../../../lib/torch/serialization";
import { native } from "../../../../lib/torch/addon";
import { openBytes } from "../../../../lib/torch/serialization/source";
import { dataOffset, readZipDirectory } from "../../../../lib/torch/serialization/zip/reader";
import { collectGarbage } from "../../../support/collect-garbage";
import { archive, deflated } from "../archives";
import { fixtures, temporaryFolder } from "../fixtures";
import { mutate, randomFrom, type Random } from "./mutations";

const FILES = Number(process.env.NOETHER_FUZZ ?? 100_000);
const SEED = Number(process.env.NOETHER_FUZZ_SEED ?? 1);
const folder = temporaryFolder();
jest.setTimeout(20 * 60_000);

const fixture = (name: string) => readFileSync(join(fixtures, name));

/** A small file with every kind of value. */
function smallCheckpoint(): Buffer {
  const path = join(folder, "small.pt");
  const shared = [1, 2n ** 70n];
  save(
    {
      a: {
        b: [null, true, 1.5, new Float(2), -7, "text", shared, shared, tuple(1, "x")],
        c: new Set([1]),
        d: new Uint8Array([1, 255]),
      },
      dict: new Map<unknown, unknown>([
        [1, 2],
        [tuple(1), new OrderedDict([["k", zeros([2, 2])]])],
      ]),
      x: tensor([1, 2, 3]),
    },
    path,
  );
  return readFileSync(path);
}

/** Small files of the other formats, and with the other kinds of tensors. */
function otherFormats(): Buffer[] {
  const names = [
    "plain values, legacy",
    "pickle protocol 1, legacy",
    "views, legacy",
    "attributes, legacy",
    "bare storages, legacy",
    "quantized per channel, legacy",
    "sparse COO, legacy",
    "sparse compressed, legacy",
    "meta tensors, legacy",
    "legacy, storages that are views",
    "legacy, parameter of 0.3",
    "tar, views",
    "tar, pax headers",
    "deflated",
    "deflated, quantized and sparse",
    "big-endian complex",
  ];
  const formats = JSON.parse(fixture("formats.json").toString()) as Record<string, { bytes: string }>;
  return names.map((name) => Buffer.from(formats[name]!.bytes, "base64"));
}

/** The records of a checkpoint by their names in the archive. */
function recordsOf(bytes: Buffer): Record<string, Buffer> {
  const source = openBytes(bytes);
  return Object.fromEntries(
    readZipDirectory(source).map((entry) => {
      const offset = dataOffset(source, entry);
      return [entry.name.slice(entry.name.indexOf("/") + 1), bytes.subarray(offset, offset + entry.byteLength)];
    }),
  );
}

const outcomes = { loaded: 0, refused: 0 };

/** Loads inside a scope, reads every tensor, and lets only typed errors pass. */
function attempt(body: () => unknown, describe: () => string): void {
  try {
    scope(() => touch(body(), new Set()));
    outcomes.loaded++;
  } catch (error) {
    if (!(error instanceof TorchError))
      throw new Error(`expected a TorchError for ${describe()}, got ${String(error)}`, { cause: error });
    outcomes.refused++;
  }
}

/** Reads every tensor. Parameters and what hangs on attributes belong to no scope: they are freed here. */
function touch(value: unknown, seen: Set<unknown>, isKept = false): void {
  if (typeof value !== "object" || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  if (value instanceof Tensor) {
    touch(attributesOf(value), seen, true);
    if (value.device !== "meta" && native.archiveKind(value.handle) === "dense" && value.numel() < 100_000)
      value.bytes();
    if (isKept || value instanceof nn.Parameter) value.dispose();
    return;
  }
  if (value instanceof OrderedDict) touch(value.attributes, seen, true);
  const inner =
    value instanceof Map
      ? [...value.keys(), ...value.values()]
      : value instanceof Set || Array.isArray(value)
        ? value
        : Object.values(value);
  for (const item of inner as Iterable<unknown>) touch(item, seen, isKept);
}

/** Runs `share` of the files; `one` makes and loads one. */
function fuzz(share: number, salt: number, one: (random: Random, describe: () => string) => void): void {
  const before = memory().tensors;
  const count = Math.ceil(FILES * share);
  for (let i = 0; i < count; i++) {
    const seed = SEED * 1_000_003 + salt * 100_000_007 + i;
    one(randomFrom(seed), () => `file ${i} of seed ${SEED} (stream ${seed})`);
  }
  // less where the collector got to what an earlier test file has left
  expect(memory().tensors).toBeLessThanOrEqual(before);
}

const checkpoints = [
  smallCheckpoint(),
  fixture("module.pt"),
  fixture("dtypes.pt"),
  fixture("views.pt"),
  fixture("numpy.pt"),
];
const others = otherFormats();
const pickles = checkpoints.map(recordsOf);
const programs = pickles.map((records) => records["data.pkl"]!);
const safetensors = fixture("dtypes.safetensors");

const pick = <T>(list: readonly T[], random: Random): T => list[random.below(list.length)]!;

beforeAll(collectGarbage);

test("checkpoints as a whole", () => {
  fuzz(0.2, 1, (random, describe) => {
    const bytes = mutate(pick(checkpoints, random), random, checkpoints);
    attempt(() => load(bytes, { verify: random.below(4) === 0 }), describe);
  });
});

test("legacy files, tar archives, deflated archives, quantized and sparse tensors", () => {
  fuzz(0.2, 6, (random, describe) => {
    const bytes = mutate(pick(others, random), random, others);
    attempt(() => load(bytes, { verify: random.below(4) === 0 }), describe);
  });
});

test("deflated records with mutated content", () => {
  // a file has one record that is new; the others are the same objects in each
  const done = new WeakMap<Uint8Array, Buffer>();
  const deflate = (content: Uint8Array): Buffer => {
    const known = done.get(content) ?? deflateRawSync(content);
    done.set(content, known);
    return known;
  };
  fuzz(0.05, 7, (random, describe) => {
    const records = pick(pickles, random);
    const name = pick(Object.keys(records), random);
    const mutated = { ...records, [name]: mutate(records[name]!, random, programs) };
    const bytes = deflated(mutated, "archive", deflate);
    attempt(() => load(bytes), describe);
  });
});

test("pickles in an intact archive", () => {
  fuzz(0.25, 2, (random, describe) => {
    const records = pick(pickles, random);
    const bytes = archive({ ...records, "data.pkl": mutate(records["data.pkl"]!, random, programs) });
    attempt(() => load(bytes), describe);
  });
});

test("safetensors as a whole", () => {
  fuzz(0.1, 3, (random, describe) => {
    const bytes = mutate(safetensors, random, [safetensors, checkpoints[0]!]);
    attempt(() => loadSafetensors(bytes), describe);
  });
});

test("headers of safetensors with the right length", () => {
  const length = Number(safetensors.readBigUInt64LE());
  const header = safetensors.subarray(8, 8 + length);
  fuzz(0.15, 4, (random, describe) => {
    const mutated = mutate(header, random, [header]);
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(mutated.length));
    const bytes = Buffer.concat([prefix, mutated, safetensors.subarray(8 + length)]);
    attempt(() => loadSafetensors(bytes), describe);
  });
});

test("files on disk, read and mapped", () => {
  const path = join(folder, "mutated");
  fuzz(0.05, 5, (random, describe) => {
    const isCheckpoint = random.below(2) === 0;
    writeFileSync(path, mutate(isCheckpoint ? pick(checkpoints, random) : safetensors, random, checkpoints));
    const mmap = random.below(2) === 0;
    attempt(() => (isCheckpoint ? load(path, { mmap, verify: false }) : loadSafetensors(path, { mmap })), describe);
  });
});

afterAll(() => {
  // both must happen, or the mutations are too weak or too strong
  expect(outcomes.loaded).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(outcomes.loaded);
  if (process.env.NOETHER_FUZZ !== undefined)
    console.log(`${outcomes.loaded + outcomes.refused} files: ${outcomes.loaded} loaded, ${outcomes.refused} refused`);
});
