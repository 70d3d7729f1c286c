/** `noether-data huggingface`. */
import { stat } from "node:fs/promises";
import {
  estimateHfRepoSize,
  fetchHubPlan,
  fetchHuggingfaceFile,
  type FileRecord,
  fmtBytes,
  hashFile,
  type HFRepoType,
  type HubPlan,
  planHubDownload,
  saveManifest,
} from "../../io";
import { LocalHubFile } from "../../io/huggingface/local-dir";
import { log } from "../../io/logging";
import { pathBelow } from "../../io/files/safe-path";
import { EXIT } from "../command";
import { UsageError } from "../hydra-arguments";
import { actionOption, DRY_RUN, FILTERS, folderArgument, JOBS, pathFilter, say, sayDryRun } from "./arguments";
import { choice, flag, text, type ValuesOf } from "../options";
import { ioCommand } from "./io-command";
import { printError } from "./print-error";
import { verifyAndAct } from "./verify";

const type = (preset: HFRepoType) =>
  choice(["model", "dataset"], { short: "t", default: preset, does: "kind of the repository" });
const revision = text({ short: "r", value: "TEXT", default: "main", does: "branch, tag or commit" });

const SNAPSHOT = {
  type: type("model"),
  revision,
  ...FILTERS,
  jobs: JOBS,
  "dry-run": DRY_RUN,
  verify: flag({
    default: false,
    does: "compare every file with the hub afterwards, also those that were there",
  }),
};
const EXT = {
  revision,
  type: type("dataset"),
  jobs: JOBS,
  "dry-run": DRY_RUN,
  verify: flag({ default: false, does: "compare with --manifest afterwards" }),
  manifest: text({ short: "m", value: "FILE", does: "the manifest to compare with" }),
  "manifest-out": text({ short: "mo", value: "FILE", does: "where a manifest of what was fetched goes" }),
  action: actionOption("what to do about other files"),
};

export const huggingface = {
  snapshot: ioCommand({
    words: ["REPO_ID", "LOCAL_DIR"],
    does: "fetch all files of a repository",
    options: SNAPSHOT,
    run: async (given, [repo, folder]) => {
      const localDir = folderArgument(folder, "LOCAL_DIR");
      const plan = await planHubDownload(repo, pathFilter(given.include, given.exclude), of(given));
      if (given["dry-run"]) return void sayDryRun(repo, plan.entries);
      await fetchHubPlan(plan, localDir, { ...of(given), jobs: given.jobs });
      return given.verify ? verifySnapshot(plan, localDir) : EXIT.ok;
    },
  }),
  file: ioCommand({
    words: ["REPO_ID", "FILENAME", "LOCAL_DIR"],
    does: "fetch one file",
    options: { type: type("model"), revision },
    run: async (given, [repo, filename, folder]) => {
      await fetchHuggingfaceFile(repo, filename, folderArgument(folder, "LOCAL_DIR"), of(given));
    },
  }),
  ext: ioCommand({
    words: ["REPO_ID", "EXTENSION", "LOCAL_DIR"],
    does: "fetch the files whose names end with EXTENSION",
    options: EXT,
    run: fetchByExtension,
  }),
  estimate: ioCommand({
    words: ["REPO_ID"],
    does: "how large a repository is",
    options: {
      type: type("model"),
      extension: text({ short: "e", value: "TEXT", does: "only files whose names end with it" }),
      revision,
    },
    run: async (given, [repo]) => {
      const bytes = await estimateHfRepoSize(repo, { ...of(given), extension: given.extension });
      say(`${repo}: ~${fmtBytes(bytes)}`);
    },
  }),
};

function of({ type, revision }: { readonly type: HFRepoType; readonly revision: string }) {
  return { repoType: type, revision };
}

async function fetchByExtension(
  given: ValuesOf<typeof EXT>,
  [repo, extension, folder]: readonly [string, string, string],
): Promise<number> {
  const { manifest, action, jobs } = given;
  // before anything is fetched
  if (given.verify && manifest === undefined) throw new UsageError("`--verify` requires `--manifest`.");
  const localDir = folderArgument(folder, "LOCAL_DIR");
  const plan = await planHubDownload(repo, (path) => path.endsWith(extension), of(given));
  if (given["dry-run"]) {
    sayDryRun(repo, plan.entries);
    return EXIT.ok;
  }
  if (plan.entries.length === 0) log.warning(`No files with extension '${extension}' found in ${repo}`);
  else {
    log.info(`Downloading ${plan.entries.length} files with extension '${extension}' from ${repo}...`);
    await fetchHubPlan(plan, localDir, { ...of(given), jobs });
    log.info(`Download complete → ${localDir}`);
  }
  const manifestOut = given["manifest-out"];
  if (manifestOut !== undefined) {
    await saveManifest(await recordsOf(plan, localDir), manifestOut);
    say(`[provenance] wrote ${manifestOut}`);
  }
  if (!given.verify) return EXIT.ok;
  return verifyAndAct({
    root: localDir,
    manifest: manifest!,
    jobs,
    requireHash: true,
    action,
    label: "[verify] ",
  });
}

/** What a manifest says of fetched files. */
async function recordsOf({ ref, entries }: HubPlan, localDir: string): Promise<Map<string, FileRecord>> {
  const records = new Map<string, FileRecord>();
  for (const { path } of entries) {
    const file = pathBelow(localDir, path);
    const source = {
      provider: "huggingface",
      repo_id: ref.repoId,
      repo_type: ref.repoType,
      revision: ref.revision,
      filename: path,
    };
    records.set(path, { path, size: (await stat(file)).size, hash: await hashFile(file), etag: null, source });
  }
  return records;
}

/** Compares the content of every file with what the hub says of it. */
async function verifySnapshot({ entries }: HubPlan, localDir: string): Promise<number> {
  let wrong = 0;
  for (const entry of entries) {
    if (await new LocalHubFile(localDir, entry.path).hasContent(entry)) continue;
    wrong++;
    printError(`[hash_mismatch] ${entry.path}`);
  }
  say(`[verify] OK=${entries.length - wrong} hash_mismatch=${wrong}`);
  return wrong > 0 ? EXIT.failed : EXIT.ok;
}
