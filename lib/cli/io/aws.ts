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
import { EXIT } from "../command";
import { atLeastOne, DRY_RUN, FILTERS, folderArgument, JOBS, NO_ETAG, pathFilter, say, sayDryRun } from "./arguments";
import { flag, text, type ValuesOf } from "../options";
import { ioCommand } from "./io-command";
import { printError } from "./print-error";

const extension = text({ short: "e", value: "TEXT", does: "only keys that end with it" });

const FETCH = {
  extension,
  ...FILTERS,
  jobs: JOBS,
  "manifest-out": text({
    ...{ short: "m", value: "FILE" },
    does: "where a manifest of what was fetched goes; -: standard output",
  }),
  hash: flag({ default: true, does: "record SHA-256 in the manifest" }),
  "hash-jobs": atLeastOne({ value: "N", does: "files that are hashed at a time" }),
  "hash-chunk-mb": atLeastOne({ value: "MIB", does: "MiB that are read at a time" }),
  "dry-run": DRY_RUN,
  "strip-prefix": flag({ default: false, does: "leave the prefix out of the paths" }),
  flatten: flag({ default: false, does: "only the last part of each key" }),
  "strict-hash": flag({ default: false, does: "fail when a file cannot be hashed" }),
  "verify-etag": NO_ETAG,
};

export const aws = {
  estimate: ioCommand({
    words: ["BUCKET", "PREFIX"],
    does: "how many objects have a prefix, and how large they are",
    options: { extension },
    run: async ({ extension: ext }, [bucket, prefix]) => {
      const [bytes, count] = await estimateS3Size(bucket, prefix, ext);
      say(`s3://${bucket}/${prefix}${ext ? ` (ext='${ext}')` : ""} → ${count} files, ~${fmtBytes(bytes)}`);
    },
  }),
  file: ioCommand({
    words: ["BUCKET", "KEY", "LOCAL_DIR"],
    does: "fetch one object to LOCAL_DIR/KEY",
    options: { "verify-etag": NO_ETAG },
    run: async ({ "verify-etag": verifyEtag }, [bucket, key, folder]) => {
      const localDir = folderArgument(folder, "LOCAL_DIR");
      say(`Wrote: ${await fetchS3File(bucket, key, localDir, { verifyEtag })}`);
    },
  }),
  fetch: ioCommand({
    words: ["BUCKET", "PREFIX", "LOCAL_DIR"],
    does: "fetch the objects that have a prefix",
    options: FETCH,
    run: fetchPrefix,
  }),
};

async function fetchPrefix(
  given: ValuesOf<typeof FETCH>,
  [bucket, prefix, folder]: readonly [string, string, string],
): Promise<number> {
  const localDir = folderArgument(folder, "LOCAL_DIR");
  const manifestOut = given["manifest-out"];
  const isWanted = pathFilter(given.include, given.exclude);
  const objects = (await listS3Objects(bucket, prefix, given.extension)).filter(({ key }) => isWanted(key));
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
    stripPrefix: given["strip-prefix"],
    flatten: given.flatten,
  });
  if (given["dry-run"]) {
    sayDryRun(
      `s3://${bucket}/${prefix}`,
      targets.map(({ path, object }) => ({ path, size: object.size })),
    );
    return EXIT.ok;
  }
  try {
    await fetchS3Targets(bucket, targets, localDir, { jobs: given.jobs, verifyEtag: given["verify-etag"] });
  } catch (error) {
    if (!(error instanceof ParallelErrors)) throw error;
    for (const [target, cause] of error.errors as readonly (readonly [S3Target, unknown])[])
      printError(`[download-fail] s3://${bucket}/${target.object.key} → ${messageOf(cause)}`);
    return EXIT.failed;
  }
  if (manifestOut !== undefined) {
    const records = await recordsOf(
      bucket,
      targets,
      localDir,
      given.hash ? given["hash-chunk-mb"] : null,
      given["hash-jobs"],
    );
    if (records.size < targets.length && given["strict-hash"]) return EXIT.failed;
    if (manifestOut === "-") {
      say(manifestText(records));
      return EXIT.ok;
    }
    await saveManifest(records, manifestOut);
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
): Promise<Map<string, FileRecord>> {
  const record = async ({ object, path }: S3Target): Promise<FileRecord | null> => {
    const file = pathBelow(localDir, path);
    try {
      const source = { provider: "s3", bucket, key: object.key };
      const hash = chunk === null ? null : await hashFile(file, chunk);
      return { path, size: (await stat(file)).size, hash, etag: null, source };
    } catch (error) {
      printError(`[hash-fail] ${path} → ${messageOf(error)}`);
      return null;
    }
  };
  const records = (await parallelMapCollectErrors(record, targets, jobs)).filter((each) => each !== null);
  return new Map(records.map((each) => [each.path, each]));
}
