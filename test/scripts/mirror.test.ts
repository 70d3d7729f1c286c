/** Tests are where their source's path says: `lib/a/b.ts` is tested in `test/a/b.test.ts`, a folder `lib/a` in `test/a.test.ts` or below `test/a`. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";

const root = join(__dirname, "..", "..");
const filesIn = (folder: string, end: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(end));
const isFolder = (path: string): boolean => existsSync(join(root, path)) && statSync(join(root, path)).isDirectory();

/** Tests that are about more than one source, and why. */
const OF_SEVERAL_SOURCES: Readonly<Record<string, string>> = {
  "config/compose/cases": "reference values of Hydra, OmegaConf and PyYAML, in one fixture",
  "config/compose/grammar": "reference values of Hydra, OmegaConf and PyYAML, in one fixture",
  "torch/attention-kernel-cases": "the kernels on random sizes and layouts, beside attention-kernel",
  "torch/matmul-kernel-cases": "the kernels on random sizes and layouts, beside matmul-kernel",
  "torch/nn/modules": "most classes of torch.nn, on stored inputs and results",
  "data/readers/fuzz": "every reader of files",
  "data/readers/partial": "what is not wanted is not read, in every format that allows it",
  "data/readers/stores": "formats that are read through optional packages",
  "data/readers/surfaces": "formats of surfaces, read and written alike",
  "data/readers/vtk-write": "what is written is read back",
  "core/optimizer/vectors": "vectors of release 2026.4 for its optimizers",
  "io/cache/processes": "the cache under many processes",
  "io/s3/moto": "a second server of S3",
  "io/transfer/full-disk": "whatever writes, on a disk without room",
  "io/transfer/kill": "downloads that are killed",
  "initializers/initializers": "the same run's files, read by each initializer",
  "initializers/reference": "the reference of all initializers, field by field",
  "modeling/activation-checkpoint": "every model",
  "modeling/deepcopy": "every module, and models in training",
  "modeling/configs": "values that the config of a model hands down to those of its blocks",
  "modeling/seeded": "PyTorch's initial weights of every module, in one fixture",
  "modeling/vectors": "reference values of every module, in one fixture",
  "training/aerodynamics/experiments": "whole runs, of every experiment of the example",
  "training/callbacks/page": "docs/callbacks.md: every callback",
  "training/golden": "a whole run",
  "training/loader-workers": "a whole run",
  "training/no-space": "a whole run",
  "training/resume": "a whole run",
  "training/resume-composite": "a whole run",
  "training/trainers/distributed": "a whole run, in several processes",
  "training/trainers/distributed-kill": "a whole run, in several processes",
  "torch/distributed/agreement": "every operation among processes, which the addon compares before",
  "torch/distributed/hosts": "whole programs, on two hosts",
  "torch/attention-kernel": "a native operator with its kernels",
  "torch/gelu-kernel": "a native operator with its kernels",
  "torch/matmul-kernel": "a native operator with its kernels",
  "torch/nn/linear-kernel": "a native operator with its kernels",
  "torch/generated": "all generated sources",
  "torch/javascript-operations": "what JavaScript does with tensors",
  "torch/export/fuzz": "hostile archives and programs",
  "torch/func/func": "every transformation, on PyTorch's own numbers",
  "torch/func/workers": "levels in worker threads",
  "torch/large-tensors": "operators on tensors beyond 2^31 elements",
  "torch/operator-arguments": "arguments of every operator",
  "torch/operators": "every operator",
  "torch/refused-arguments": "arguments of every function written by hand",
  "torch/nn/initial-values": "every module",
  "torch/nn/layers": "every module",
  "torch/nn/weighted": "every module with weights",
  "torch/optim/files": "every optimizer",
  "torch/optim/optimizers": "every optimizer",
  "torch/optim/reference-trajectories": "every optimizer",
  "torch/optim/types": "every optimizer",
  "torch/serialization/fuzz/fuzz": "every reader of files",
  "torch/serialization/native": "the addon's side of files",
  "torch/serialization/python": "files that Python reads and writes",
  "torch/serialization/zip/zip": "reader and writer of archives",
};

/** Folders whose sources are tested elsewhere, and where. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  entries: "test/dist/entries.test.ts",
  "config/grammar": "test/config/compose",
  "config/interpolation": "test/config/compose",
  "config/overrides": "test/config/compose",
  "core/initializers": "test/initializers",
  "core/interfaces": "types only",
  "core/threads": "test/inference/pool",
  "core/optimizer/param-group-modifiers": "test/core/optimizer/optimizer-wrapper.test.ts",
  "io/provenance": "test/cli/io/run-io.test.ts",
  "torch/serialization/tar": "test/torch/serialization/formats.test.ts",
};

const layers = readdirSync(join(root, "lib")).filter((name) => isFolder(`lib/${name}`));
const tests = filesIn("test", ".test.ts")
  .map((file) => file.slice(0, -".test.ts".length))
  .filter((name) => layers.includes(name.split("/")[0]!));
const hasSource = (name: string): boolean => existsSync(join(root, "lib", `${name}.ts`)) || isFolder(`lib/${name}`);

test("tests are named as their source", () => {
  expect(tests.length).toBeGreaterThan(100);
  const wrong = tests.filter((name) => !hasSource(name) && !(name in OF_SEVERAL_SOURCES));
  if (wrong.length > 0)
    throw new Error(
      `${wrong.join(", ")}: call the test as its source, or put it in OF_SEVERAL_SOURCES with the reason`,
    );
});

/** Whether there is a test of a folder: below its mirror image, or of the folder itself or one that it is in (not a whole layer). */
function isTested(folder: string): boolean {
  const parents: string[] = [];
  for (let at = folder; at.includes("/"); at = posix.dirname(at)) parents.push(at);
  return tests.some((name) => name.startsWith(`${folder}/`) || name === folder || parents.includes(name));
}

const folders = new Set(
  filesIn("lib", ".ts")
    .filter((file) => !/(^|\/)index\.ts$|\.generated\.ts$/.test(file) && file.includes("/"))
    .map((file) => dirname(file)),
);

test("every folder with sources has tests", () => {
  const untested = [...folders].filter((folder) => !isTested(folder) && !(folder in TESTED_ELSEWHERE));
  if (untested.length > 0)
    throw new Error(`${untested.join(", ")}: add tests, or say in TESTED_ELSEWHERE where they are`);
});

test("the exceptions are needed", () => {
  expect(Object.keys(OF_SEVERAL_SOURCES).filter((name) => !tests.includes(name) || hasSource(name))).toEqual([]);
  expect(Object.keys(TESTED_ELSEWHERE).filter((folder) => !folders.has(folder) || isTested(folder))).toEqual([]);
});
