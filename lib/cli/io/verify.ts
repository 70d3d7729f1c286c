/** What `huggingface ext --verify` and `verification check` do with what they find. */
import { rm } from "node:fs/promises";
import {
  FailAction,
  isClean,
  loadManifest,
  messageOf,
  NoProvenanceError,
  redownload,
  type VerificationResult,
  verifyTree,
} from "../../io";
import { pathBelow } from "../../io/files/safe-path";
import { EXIT } from "../command";
import { say } from "./arguments";
import { printError } from "./print-error";

/** What is compared, and how. */
export interface VerifyOptions {
  readonly root: string;
  readonly manifest: string;
  readonly jobs: number;
  readonly requireHash: boolean;
  readonly action: FailAction;
  /** Before the counts: `[verify] `. */
  readonly label: string;
}

/** Compares a folder with a manifest, prints the counts, does what is to be done; returns the exit code. */
export async function verifyAndAct(options: VerifyOptions): Promise<number> {
  const { root, jobs, requireHash, action, label } = options;
  const manifest = await loadManifest(options.manifest);
  const verify = async (): Promise<VerificationResult> =>
    verifyTree(root, manifest, { jobs, requireHash, except: [options.manifest] });
  const result = await verify();
  say(`${label}${counts(result)}`);
  if (isClean(result)) return EXIT.ok;
  printPaths(result);
  const wrong = [...result.sizeMismatch, ...result.hashMismatch].sort();
  if (action === FailAction.ABORT) return EXIT.failed;
  if (action === FailAction.DELETE) {
    for (const path of wrong) {
      await rm(pathBelow(root, path), { force: true });
      say(`[delete] ${path}`);
    }
  }
  if (action !== FailAction.REDOWNLOAD) return EXIT.ok;

  const targets = [...result.missing, ...wrong].sort();
  let fetched = 0;
  for (const path of targets) {
    try {
      await redownload(manifest.get(path)!, root);
      fetched++;
    } catch (error) {
      printError(
        error instanceof NoProvenanceError ? `[skip] ${error.message}` : `[fail] ${path}: ${messageOf(error)}`,
      );
    }
  }
  if (targets.length === 0) return EXIT.ok;
  say(`[redownload] attempted=${targets.length} ok=${fetched}`);
  const again = await verify();
  say(`[recheck] ${counts(again)}`);
  return again.missing.length + again.sizeMismatch.length + again.hashMismatch.length > 0 ? EXIT.failed : EXIT.ok;
}

function counts({ ok, missing, extra, sizeMismatch, hashMismatch }: VerificationResult): string {
  return `OK=${ok.length} missing=${missing.length} extra=${extra.length} size_mismatch=${sizeMismatch.length} hash_mismatch=${hashMismatch.length}`;
}

/** Each path with what is wrong, on standard error. */
function printPaths({ missing, extra, sizeMismatch, hashMismatch }: VerificationResult): void {
  for (const [what, paths] of Object.entries({
    missing,
    extra,
    size_mismatch: sizeMismatch,
    hash_mismatch: hashMismatch,
  })) {
    for (const path of paths) printError(`[${what}] ${path}`);
  }
}
