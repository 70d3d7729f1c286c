/**
 * Inputs that once had another outcome than they should, as they were reported, each with what is right (reported.json). What is
 * wider than one input is tested beside its source.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expandSweeps } from "../../lib/cli/multirun";
import { composeConfig, composeUnresolved, readYaml, writeYaml, type ComposeOptions } from "../../lib/config";
import { ConfigError } from "../../lib/config/errors";
import { sweepValues } from "../../lib/config/overrides/functions";
import { isSweep, parseOverride } from "../../lib/config/overrides/override";
import type { Sweep } from "../../lib/config/overrides/override-value";
import { valueNode } from "../../lib/config/overrides/apply-overrides";
import { findKind } from "../../lib/config/registry";
import { ModelDataSpecs } from "../../lib/core/data-specs";
import { MetricPropertyProvider, PathProvider } from "../../lib/core/providers";
import { NoopTracker } from "../../lib/core/trackers";
import { ones, load, loadSafetensors, save } from "../../lib/torch";
import { CheckpointError } from "../../lib/torch/serialization";
import { ownMark } from "../../lib/io/files/process-mark";
import "../../lib";
import { markNodeExactly } from "../support/mark-exactly";
import { describeValue, sorted } from "../torch/serialization/describe";
import formats from "../torch/serialization/fixtures/formats.json";
import yamlWriter from "../config/yaml/fixtures/writer.json";
import entries from "./reported.json";

interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly input: string;
  readonly expected: unknown;
}

let folder: string;
const environment = process.env;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noether-"));
  process.env = { ...environment, HB_X: "val", HB_N: "012" };
  delete process.env["HB_Y"];
});
afterAll(() => {
  process.env = environment;
  rmSync(folder, { recursive: true });
});

const compositions = join(__dirname, "../config/compose/fixtures/cases");

// ---- files

/** What the files of an entry hold, by the name of a file of the same make that PyTorch wrote (generate_formats.py). */
const FILES: Readonly<Record<string, keyof typeof formats>> = {
  "A-file:pypi/DISTS_pytorch/DISTS_pytorch/weights.pt": "views, legacy",
  "A-file:pypi/lpips/lpips/weights/v0.1/alex.pth": "legacy, rebuild v2 with hooks of None",
  "A-file:pypi/lpips/lpips/weights/v0.0/vgg.pth": "legacy, Python 2, sizes as longs",
  "A-file:pypi/lpips/lpips/weights/v0.0/alex.pth": "legacy, Python 2, sizes as longs",
  "A-file:pypi/lpips/lpips/weights/v0.0/squeeze.pth": "legacy, Python 2, sizes as longs",
  "A-file:pypi/facenet_pytorch/facenet_pytorch/data/onet.pt": "a model and its optimizer, legacy",
  "A-file:pypi/facenet_pytorch/facenet_pytorch/data/pnet.pt": "a model and its optimizer, legacy",
  "A-file:pypi/facenet_pytorch/facenet_pytorch/data/rnet.pt": "a model and its optimizer, legacy",
  "A-file:pypi/Resemblyzer/resemblyzer/pretrained.pt": "a model and its optimizer, legacy",
  "A-file:gh/tracel-ai+burn/crates/burn-store/src/pytorch/tests/reader/test_data/simple_legacy.pt": "views, legacy",
  "A-file:gh/tracel-ai+burn/crates/burn-store/src/pytorch/tests/reader/test_data/legacy_uncloned_views.pt":
    "legacy, storages that are views",
  "A-syn:bits.pt": "bits8, zip",
  "A-syn:legacy.pt": "plain values, legacy",
  "A-syn:np_dt.pt": "a numpy date, zip",
  "A-syn:np_dtype.pt": "a numpy dtype, zip",
  "A-syn:pyzip_deflate.pt": "deflated, a model",
  "A-syn:quant.pt": "quantized per tensor, zip",
  "A-syn:surrogate.pt": "lone surrogates, zip",
  "A-syn:torch_layout.pt": "layouts, zip",
  "A-syn:typed_storage.pt": "bare storages, zip",
  "B-report:legacy": "legacy, Python 2",
};

function checkFile({ id }: Entry): void {
  const file = formats[FILES[id]!] as { bytes: string; value?: unknown; refused?: string };
  const bytes = Buffer.from(file.bytes, "base64");
  if (file.refused !== undefined) {
    expect(() => load(bytes)).toThrow(CheckpointError);
    expect(() => load(bytes)).toThrow(new RegExp(file.refused));
    expect(() => load(bytes)).not.toThrow("expected an intact file");
    return;
  }
  const path = join(folder, "file.pt");
  save(load(bytes), path);
  for (const value of [load(bytes), load(path)]) expect(sorted(describeValue(value))).toEqual(sorted(file.value));
}

// ---- configs

/** `raw` before interpolations are resolved, `res` after; or that one of the two fails. */
interface Composed {
  readonly raw?: unknown;
  readonly res?: unknown;
  readonly err?: string;
  readonly reserr?: string;
}

function checkComposed(options: ComposeOptions, { raw, res, err, reserr }: Composed): void {
  if (raw !== undefined) expect(markNodeExactly(composeUnresolved(options).tree)).toEqual(raw);
  if (err !== undefined) expect(() => composeUnresolved(options)).toThrow(ConfigError);
  if (res !== undefined) expect(markNodeExactly(composeConfig(options).tree)).toEqual(res);
  if (reserr !== undefined) expect(() => composeConfig(options)).toThrow(ConfigError);
}

function checkYaml({ input, expected }: Entry): void {
  const file = join(folder, "config.yaml");
  writeFileSync(file, input);
  checkComposed({ file }, expected as Composed);
}

/** `comp/NAME ['override', …]` */
function checkComposition({ input, expected }: Entry): void {
  const [, name, overrides] = /^comp\/(\w+) (\[.*\])$/.exec(input)!;
  const list = JSON.parse(overrides!.replaceAll("'", '"')) as string[];
  checkComposed({ file: join(compositions, name!, "config.yaml"), overrides: list }, expected as Composed);
}

function checkOverride({ input, expected }: Entry): void {
  const { key, val } = expected as { key: string; val: { choice?: unknown[] } };
  const override = parseOverride(input);
  expect(override).toMatchObject({ type: "change", key });
  expect(isSweep(override)).toBe(val.choice !== undefined);
  const values = isSweep(override) ? sweepValues(override.value as Sweep) : [override.value];
  expect(values.map((value) => markNodeExactly(valueNode(value, input)))).toEqual(val.choice ?? [val]);
}

function checkSweep({ input, expected }: Entry): void {
  const { jobs, values } = expected as { jobs: string[]; values: unknown[] };
  const found = expandSweeps({ overrides: [input], searchPath: [], action: "multirun", resolve: false });
  expect(found.map(([job]) => job)).toEqual(jobs);
  const read = jobs.map((job) => composeConfig({ overrides: [`+${job}`] }).tree.entries.get("a")!);
  expect(read.map(markNodeExactly)).toEqual(values);
}

// ---- single reports

const REPORTS: Readonly<Record<string, () => unknown>> = {
  "nan-summary": async () => {
    const pathProvider = new PathProvider({ outputRootPath: folder, runId: "nan" });
    const metricPropertyProvider = new MetricPropertyProvider();
    mkdirSync(dirname(pathProvider.basetrackerEntriesUri), { recursive: true });
    const tracker = new NoopTracker({ pathProvider, metricPropertyProvider });
    const series = new Map([[1, NaN], [2, 3], [3, 2]]); // prettier-ignore
    save(new Map([["accuracy/x", series], ["loss/y", series], ["loss/z", new Map([[1, NaN]])]]), pathProvider.basetrackerEntriesUri); // prettier-ignore
    await tracker.summarizeLogvalues();
    expect(tracker.summary).toEqual({
      "accuracy/x/max": 3,
      "accuracy/x/last": 2,
      "loss/y/min": 2,
      "loss/y/last": 2,
      "loss/z/last": NaN,
    });
  },

  "kill-tmp": () => {
    const [machine, , start] = ownMark.split("-");
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    const inner = join(folder, "killed");
    mkdirSync(inner);
    save(ones([1]), join(inner, "first.th"));
    for (const name of [
      `.a.th.${machine}-${dead}-${start}.0123456789ab.tmp`,
      ".a.th.0123456789ab.tmp",
      `a.th.tmp-${dead}`,
    ])
      writeFileSync(join(inner, name), "half a file");
    save(ones([1]), join(inner, "second.th"));
    expect(readdirSync(inner).sort()).toEqual(["first.th", "second.th"]);
  },

  "st-meta-types": () => {
    const header = JSON.stringify({ __metadata__: null, a: { dtype: "U8", shape: [1], data_offsets: [0, 1] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const { tensors, metadata } = loadSafetensors(Buffer.concat([length, Buffer.from(header), Buffer.from([7])]));
    expect(tensors.get("a")!.toArray()).toEqual([7]);
    expect(metadata).toEqual({});
  },

  int53: () => {
    const exact = { m: [["a", { i: "9007199254740993" }]] };
    expect(markNodeExactly(readYaml("a: 9007199254740993", "a.yaml"))).toEqual(exact);
    expect(markNodeExactly(composeConfig({ overrides: ["+a=9007199254740993"] }).tree)).toEqual(exact);
  },

  searchpath: () => {
    const { plain } = composeConfig({ file: join(compositions, "searchpath", "config.yaml") });
    expect(plain).toEqual({ m: { v: 1 } });
  },

  "merge-order": () => {
    const file = join(folder, "order.yaml");
    writeFileSync(
      file,
      "base: &base {pressure: 1}\nposition_dim: 3\nsurface_output_dims:\n  <<: *base\n  friction: 3\nvolume_output_dims: {velocity: 3}\n",
    );
    const { base: _, ...specs } = composeConfig({ file }).plain;
    expect(Object.keys(specs["surface_output_dims"] as object)).toEqual(["pressure", "friction"]);
    expect(ModelDataSpecs.create(specs as never).domains["surface"]!.output_dims).toEqual({ pressure: 1, friction: 3 });
  },

  "self-include": () => {
    const file = join(folder, "cyc.yaml");
    writeFileSync(file, "defaults:\n- cyc\n- _self_\na: 1\n");
    expect(() => composeConfig({ file })).toThrow("include one another in a circle: cyc → cyc");
  },

  decode: () => {
    const file = join(folder, "decode.yaml");
    const texts = ["012", "yes", "3:00", "0x10", "inf"];
    writeFileSync(file, `a:\n${texts.map((text) => `- \${oc.decode:'${text}'}\n`).join("")}`);
    expect(composeConfig({ file }).plain).toEqual({ a: ["012", "yes", "3:00", "0x10", Infinity] });
  },

  "sweep-quotes": () => {
    const jobs = expandSweeps({ overrides: ['+devices="0","1"'], searchPath: [], action: "multirun", resolve: false });
    expect(jobs.map((overrides) => composeConfig({ overrides }).plain)).toEqual([{ devices: "0" }, { devices: "1" }]);
  },

  "yaml-writer": () => {
    // all other texts: test/config/yaml
    for (const text of ["\u007f", "\u0085"]) {
      const vector = yamlWriter[`text ${JSON.stringify(text)}` as keyof typeof yamlWriter];
      expect(writeYaml([text, { [text]: text }, [[text]]])).toBe(vector.text);
      expect(vector.read).toEqual({ l: [text, { m: [[text, text]] }, { l: [{ l: [text] }] }] });
    }
  },

  "docs-callbacks": () => {
    const page = readFileSync(join(__dirname, "../../docs/callbacks.md"), "utf8");
    const kinds = [...page.matchAll(/^`((?:noether|tutorial)[\w.]*)`/gm)].map(([, kind]) => kind!);
    expect(kinds).toContain("noether.core.callbacks.BestMetricCallback");
    expect(kinds.filter((kind) => findKind(kind) === undefined)).toEqual([]);
  },
};

const CHECKS: readonly (readonly [RegExp, (entry: Entry) => unknown])[] = [
  [/^A-|^B-report:legacy$/, checkFile],
  [/^B-yaml:/, checkYaml],
  [/^B-override:/, checkOverride],
  [/^B-compose2?:/, checkComposition],
  [/^B-sweep:/, checkSweep],
  [/^B-report:/, ({ id }) => REPORTS[id.replace("B-report:", "")]!()],
];

/** What takes a process of its own to measure. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "B-report:gc": "test/dist/torch/memory-limits.test.ts",
  "B-report:gc-inference": "test/dist/torch/memory-limits.test.ts",
};

test("there are 67", () => {
  expect(new Set(entries.map(({ id }) => id)).size).toBe(67);
  for (const file of Object.values(ELSEWHERE)) expect(existsSync(join(__dirname, "../..", file))).toBe(true);
});

const here = entries.filter(({ id }) => !(id in ELSEWHERE));
test.each(here.map((entry) => [entry.id, entry] as const))("%s", (id, entry) => {
  expect.hasAssertions();
  return CHECKS.find(([pattern]) => pattern.test(id))![1](entry);
});
