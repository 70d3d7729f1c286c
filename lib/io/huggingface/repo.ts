import { InvalidInputError } from "../errors";

/** Kinds of repositories with files to fetch. */
export type HFRepoType = "model" | "dataset";

/** A repository at a revision. */
export interface HubRepoRef {
  /** `organization/name`, or a name alone. */
  readonly repoId: string;
  readonly repoType: HFRepoType;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/**
 * @throws InvalidInputError for what cannot be the name of a repository, or a kind that there is not: it would change the URLs
 */
export function repoRef(repoId: string, repoType: string = "model", revision = "main"): HubRepoRef {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(repoId) || /(^|\/)\.\.?($|\/)/.test(repoId))
    throw new InvalidInputError(`expected a repository as organization/name, got ${JSON.stringify(repoId)}`);
  if (repoType !== "model" && repoType !== "dataset")
    throw new InvalidInputError(
      `Failed to determine repo size '${repoId}' for '${repoType}'. Supported types: 'model', 'dataset'`,
    );
  if (revision === "" || /\p{Cc}/u.test(revision) || /(^|\/)\.\.?($|\/)/.test(revision))
    throw new InvalidInputError(`expected a branch, tag or commit of ${repoId}, got ${JSON.stringify(revision)}`);
  return { repoId, repoType, revision };
}

/** `org/name@revision`, with `datasets/` before those. */
export function nameOfRepo({ repoId, repoType, revision }: HubRepoRef): string {
  return `${repoType === "dataset" ? "datasets/" : ""}${repoId}@${revision}`;
}
