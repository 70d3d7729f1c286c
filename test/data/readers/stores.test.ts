/**
 * HDF5, parquet and Zarr files against what h5py, pyarrow and zarr wrote (fixtures/make_stores.py). The packages that read them
 * are ES modules, which Jest does not load: a process of its own reads all files.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { optionalPackage } from "../../../lib/data/readers/optional-package";
import { readFixture, type DescribedArray } from "./support";
import { builtPackage } from "../../support/child";

interface Store {
  files: Record<string, string>;
  arrays: Record<string, DescribedArray>;
  texts: Record<string, string[]>;
}
type Outcome =
  { arrays: Record<string, DescribedArray>; texts: Record<string, string[]>; error?: undefined } | { error: string };

const stores = readFixture<Record<string, Store>>("stores.json.gz");
const folder = mkdtempSync(join(tmpdir(), "noether-stores-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const { files } of Object.values(stores)) {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), Buffer.from(bytes, "base64"));
  }
}

const names = (store: string) => [...Object.keys(stores[store]!.arrays), ...Object.keys(stores[store]!.texts)];
const broken = ["broken.h5", "broken.parquet", "short.parquet"];
writeFileSync(join(folder, "broken.h5"), "no HDF5 file at all");
writeFileSync(join(folder, "broken.parquet"), "no parquet file at all");
writeFileSync(
  join(folder, "short.parquet"),
  Buffer.from(stores["snappy.parquet"]!.files["snappy.parquet"]!, "base64").subarray(500),
);
mkdirSync(join(folder, "broken.zarr"));
writeFileSync(join(folder, "broken.zarr", ".zarray"), "{}");
// a few bytes that claim an array of 800 TB: parts that are not there have the fill value
mkdirSync(join(folder, "huge.zarr"));
writeFileSync(
  join(folder, "huge.zarr", ".zarray"),
  JSON.stringify({
    ...{ zarr_format: 2, shape: [1e7, 1e7], chunks: [10, 10], dtype: "<f8", order: "C" },
    ...{ compressor: null, filters: null, fill_value: 0 },
  }),
);

// errors that hyparquet does not wait for would end the process
const unheard = "damaged-columns.parquet";
copyFileSync(join(__dirname, "fixtures", unheard), join(folder, unheard));

const requests: { path: string; names?: string[] }[] = [
  ...Object.keys(stores).map((path) => ({ path, names: names(path) })),
  { path: "fields.h5" },
  { path: "fields.h5", names: ["p", "none"] },
  { path: "missing.h5" },
  { path: "missing.parquet" },
  { path: "missing.zarr" },
  ...[...broken, "broken.zarr", "huge.zarr", unheard].map((path) => ({ path })),
];

let outcomes: Outcome[] = [];
beforeAll(() => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--require", builtPackage, join(__dirname, "read-stores.ts"), JSON.stringify(requests)],
    { cwd: folder, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  outcomes = JSON.parse(stdout) as Outcome[];
});
const outcomeOf = (path: string, asked?: string[]) =>
  outcomes[
    requests.findIndex(
      (request) => request.path === path && (asked === undefined || String(request.names) === String(asked)),
    )
  ]!;

test.each(Object.keys(stores))("%s", (path) => {
  const { arrays, texts } = stores[path]!;
  expect(outcomeOf(path)).toEqual({ arrays, texts });
});

test.each([
  ["fields.h5", [], 'expected numbers or texts in "records", got records or references; leave it out with names'],
  ["fields.h5", ["p", "none"], "expected the arrays none, got p"],
  ["missing.h5", undefined, "missing.h5: expected a file, got nothing of that name"],
  ["missing.parquet", undefined, "missing.parquet: expected a file, got nothing of that name"],
  ["missing.zarr", undefined, "missing.zarr: expected the folder of a Zarr store, got nothing of that name"],
  ["broken.h5", undefined, "broken.h5: expected an HDF5 file"],
  ["broken.parquet", undefined, "broken.parquet: expected a parquet file"],
  ["short.parquet", undefined, "short.parquet: expected a parquet file"],
  [unheard, undefined, "damaged-columns.parquet: expected a parquet file, got a damaged one"],
  ["broken.zarr", undefined, "broken.zarr: expected a Zarr array of numbers"],
  ["huge.zarr", undefined, "huge.zarr: expected an array that fits into memory, got 762939453 MiB"],
])("%s %j", (path, asked, message) => {
  const outcome = asked?.length === 0 ? outcomes[Object.keys(stores).length]! : outcomeOf(path, asked);
  expect(outcome.error).toContain(message);
});

test("a package that is missing is asked for by name", async () => {
  await expect(optionalPackage("@no-such/package/file", "files of its own")).rejects.toThrow(
    "expected the package @no-such/package, which reads files of its own, got none: npm install @no-such/package",
  );
});
