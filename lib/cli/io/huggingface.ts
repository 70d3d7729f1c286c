/** `noether-data huggingface`. */
import { stat } from "node:fs/promises";
import {
  estimateHfRepoSize,
  FailAction,
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
import { DRY_RUN, FILTERS, folderArgument, JOBS, pathFilter, say, sayDryRun } from "./arguments";
import type { Given, IoCommand, IoOption } from "./command-line";
import { printError } from "./print-error";
import { verifyAndAct } from "./verify";

const type = (preset: HFRepoType): IoOption => ({
  type: "choice",
  short: "-t",
  choices: ["model", "dataset"],
  default: preset,
  does: "kind of the repository",
});
const revision: IoOption = { type: "text", short: "-r", default: "main", does: "branch, tag or commit" };

const of = (given: Given) => ({
  repoType: given.text("type") as HFRepoType,
  revision: given.text("revision"),
  jobs: given.int("jobs"),
  dryRun: given.flag("dry-run"),
});

export const huggingface: Readonly<Record<string, IoCommand>> = {
  snapshot: {
    words: ["REPO_ID", "LOCAL_DIR"],
    does: "fetch all files of a repository",
    options: {
      type: type("model"),
      revision,
      ...FILTERS,
      jobs: JOBS,
      "dry-run": DRY_RUN,
      verify: {
        type: "flag",
        default: false,
        does: "compare every file with the hub afterwards, also those that were there",
      },
    },
    run: async (given) => {
      const [repo, localDir] = [given.word(0), folderArgument(given.word(1), "LOCAL_DIR")];
      const plan = await planHubDownload(repo, pathFilter(given.text("include"), given.text("exclude")), of(given));
      if (given.flag("dry-run")) return void sayDryRun(repo, plan.entries);
      await fetchHubPlan(plan, localDir, of(given));
      return given.flag("verify") ? verifySnapshot(plan, localDir) : EXIT.ok;
    },
  },
  file: {
    words: ["REPO_ID", "FILENAME", "LOCAL_DIR"],
    does: "fetch one file",
    options: { type: type("model"), revision },
    run: async (given) => {
      await fetchHuggingfaceFile(given.word(0), given.word(1), folderArgument(given.word(2), "LOCAL_DIR"), of(given));
    },
  },
  ext: {
    words: ["REPO_ID", "EXTENSION", "LOCAL_DIR"],
    does: "fetch the files whose names end with EXTENSION",
    options: {
      revision,
      type: type("dataset"),
      jobs: JOBS,
      "dry-run": DRY_RUN,
      verify: { type: "flag", default: false, does: "compare with --manifest afterwards" },
      manifest: { type: "text", short: "-m", does: "the manifest to compare with" },
      "manifest-out": { type: "text", short: "-mo", does: "where a manifest of what was fetched goes" },
      action: {
        type: "choice",
        short: "-a",
        choices: Object.values(FailAction),
        default: FailAction.WARN,
        does: "what to do about other files",
      },
    },
    run: fetchByExtension,
  },
  estimate: {
    words: ["REPO_ID"],
    does: "how large a repository is",
    options: {
      type: type("model"),
      extension: { type: "text", short: "-e", does: "only files whose names end with it" },
      revision,
    },
    run: async (given) => {
      const bytes = await estimateHfRepoSize(given.word(0), { ...of(given), extension: given.text("extension") });
      say(`${given.word(0)}: ~${fmtBytes(bytes)}`);
    },
  },
};

async function fetchByExtension(given: Given): Promise<number> {
  const [repo, extension] = [given.word(0), given.word(1)];
  const [manifest, manifestOut] = [given.text("manifest"), given.text("manifest-out")];
  // before anything is fetched
  if (given.flag("verify") && manifest === undefined) throw new UsageError("`--verify` requires `--manifest`.");
  const localDir = folderArgument(given.word(2), "LOCAL_DIR");
  const plan = await planHubDownload(repo, (path) => path.endsWith(extension), of(given));
  if (given.flag("dry-run")) {
    sayDryRun(repo, plan.entries);
    return EXIT.ok;
  }
  if (plan.entries.length === 0) log.warning(`No files with extension '${extension}' found in ${repo}`);
  else {
    log.info(`Downloading ${plan.entries.length} files with extension '${extension}' from ${repo}...`);
    await fetchHubPlan(plan, localDir, of(given));
    log.info(`Download complete → ${localDir}`);
  }
  if (manifestOut !== undefined) {
    await saveManifest(await recordsOf(plan, localDir), manifestOut);
    say(`[provenance] wrote ${manifestOut}`);
  }
  if (!given.flag("verify")) return EXIT.ok;
  const action = given.text("action") as FailAction;
  return verifyAndAct({
    root: localDir,
    manifest: manifest!,
    jobs: given.int("jobs")!,
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
