/** `noether-data aws`. */
import { stat } from "node:fs/promises";
import {
  estimateS3Size,
  fetchS3File,
  fetchS3Targets,
  type FileRecord,
  fmtBytes,
  hashFile,
  listS3Objects,
  manifestText,
  messageOf,
  parallelMapCollectErrors,
  ParallelErrors,
  planS3Targets,
  type S3Target,
  saveManifest,
} from "../../io";
import { pathBelow } from "../../io/files/safe-path";
import { expectWorkers } from "../../io/parallel";
import { EXIT } from "../command";
import { DRY_RUN, FILTERS, folderArgument, JOBS, NO_ETAG, pathFilter, say, sayDryRun } from "./arguments";
import type { Given, IoCommand, IoOption } from "./command-line";
import { printError } from "./print-error";

const extension: IoOption = { type: "text", short: "-e", does: "only keys that end with it" };

export const aws: Readonly<Record<string, IoCommand>> = {
  estimate: {
    words: ["BUCKET", "PREFIX"],
    does: "how many objects have a prefix, and how large they are",
    options: { extension },
    run: async (given) => {
      const [bucket, prefix, ext] = [given.word(0), given.word(1), given.text("extension")];
      const [bytes, count] = await estimateS3Size(bucket, prefix, ext);
      say(`s3://${bucket}/${prefix}${ext ? ` (ext='${ext}')` : ""} → ${count} files, ~${fmtBytes(bytes)}`);
    },
  },
  file: {
    words: ["BUCKET", "KEY", "LOCAL_DIR"],
    does: "fetch one object to LOCAL_DIR/KEY",
    options: { "verify-etag": NO_ETAG },
    run: async (given) => {
      const localDir = folderArgument(given.word(2), "LOCAL_DIR");
      const verifyEtag = given.flag("verify-etag");
      say(`Wrote: ${await fetchS3File(given.word(0), given.word(1), localDir, { verifyEtag })}`);
    },
  },
  fetch: {
    words: ["BUCKET", "PREFIX", "LOCAL_DIR"],
    does: "fetch the objects that have a prefix",
    options: {
      extension,
      ...FILTERS,
      jobs: JOBS,
      "manifest-out": {
        type: "text",
        short: "-m",
        does: "where a manifest of what was fetched goes; -: standard output",
      },
      hash: { type: "flag", default: true, does: "record SHA-256 in the manifest" },
      "hash-jobs": { type: "int", default: 8, does: "files that are hashed at a time" },
      "hash-chunk-mb": { type: "int", default: 8, does: "MiB that are read at a time" },
      "dry-run": DRY_RUN,
      "strip-prefix": { type: "flag", default: false, does: "leave the prefix out of the paths" },
      flatten: { type: "flag", default: false, does: "only the last part of each key" },
      "strict-hash": { type: "flag", default: false, does: "fail when a file cannot be hashed" },
      "verify-etag": NO_ETAG,
    },
    run: fetchPrefix,
  },
};

async function fetchPrefix(given: Given): Promise<number> {
  const [bucket, prefix] = [given.word(0), given.word(1)];
  const [jobs, hashJobs, chunk] = [given.int("jobs")!, given.int("hash-jobs")!, given.int("hash-chunk-mb")!];
  expectWorkers(jobs, "--jobs");
  expectWorkers(hashJobs, "--hash-jobs");
  expectWorkers(chunk, "--hash-chunk-mb");
  const localDir = folderArgument(given.word(2), "LOCAL_DIR");
  const manifestOut = given.text("manifest-out");
  const isWanted = pathFilter(given.text("include"), given.text("exclude"));
  const objects = (await listS3Objects(bucket, prefix, given.text("extension"))).filter(({ key }) => isWanted(key));
  if (objects.length === 0) {
    if (manifestOut === "-") say("{}");
    else say("0 objects matched; nothing to fetch.");
    if (manifestOut !== undefined && manifestOut !== "-") {
      await saveManifest(new Map(), manifestOut);
      say(`[provenance] wrote empty manifest: ${manifestOut}`);
    }
    return EXIT.ok;
  }
  const targets = planS3Targets(objects, prefix, {
    stripPrefix: given.flag("strip-prefix"),
    flatten: given.flag("flatten"),
  });
  if (given.flag("dry-run")) {
    sayDryRun(
      `s3://${bucket}/${prefix}`,
      targets.map(({ path, object }) => ({ path, size: object.size })),
    );
    return EXIT.ok;
  }
  try {
    await fetchS3Targets(bucket, targets, localDir, { jobs, verifyEtag: given.flag("verify-etag") });
  } catch (error) {
    if (!(error instanceof ParallelErrors)) throw error;
    for (const [target, cause] of error.errors as readonly (readonly [S3Target, unknown])[])
      printError(`[download-fail] s3://${bucket}/${target.object.key} → ${messageOf(cause)}`);
    return EXIT.failed;
  }
  if (manifestOut !== undefined) {
    const records = await recordsOf(bucket, targets, localDir, given.flag("hash") ? chunk : null, hashJobs);
    if (records === null && given.flag("strict-hash")) return EXIT.failed;
    const manifest = records ?? new Map<string, FileRecord>();
    if (manifestOut === "-") {
      say(manifestText(manifest));
      return EXIT.ok;
    }
    await saveManifest(manifest, manifestOut);
    say(`[provenance] wrote ${manifestOut}`);
  }
  say(`Download complete → ${localDir}`);
  return EXIT.ok;
}

/** What a manifest says of fetched objects; those that cannot be hashed are told and left out. */
async function recordsOf(
  bucket: string,
  targets: readonly S3Target[],
  localDir: string,
  chunk: number | null,
  jobs: number,
): Promise<Map<string, FileRecord> | null> {
  let failed = false;
  const record = async ({ object, path }: S3Target): Promise<FileRecord | null> => {
    const file = pathBelow(localDir, path);
    try {
      const source = { provider: "s3", bucket, key: object.key };
      const hash = chunk === null ? null : await hashFile(file, chunk);
      return { path, size: (await stat(file)).size, hash, etag: null, source };
    } catch (error) {
      failed = true;
      printError(`[hash-fail] ${path} → ${messageOf(error)}`);
      return null;
    }
  };
  const records = (await parallelMapCollectErrors(record, targets, jobs)).filter((each) => each !== null);
  if (failed && records.length === 0) return null;
  return new Map(records.map((each) => [each.path, each]));
}
