import { InvalidInputError } from "../errors";

/** What a URI of a checkpoint names. */
export type CheckpointUri =
  | { readonly scheme: "file"; readonly path: string }
  | {
      readonly scheme: "hf";
      readonly repoId: string;
      readonly repoType: "model" | "dataset";
      readonly revision: string;
      /** Null: the URI names the repository. */
      readonly filename: string | null;
    }
  | { readonly scheme: "s3"; readonly bucket: string; readonly key: string };

/** Whether a text names something on a server, rather than a path. */
export function isRemoteUri(text: string): boolean {
  return /^(hf|s3):\/\//.test(text);
}

/**
 * Understands `hf://[datasets/]org/name[@revision][?filename=path]`, `s3://bucket/key`, `file://path` and plain paths.
 *
 * @throws InvalidInputError for one that cannot be understood, or of another scheme
 */
export function parseCheckpointUri(uri: string): CheckpointUri {
  if (uri.startsWith("hf://")) return parseHf(uri);
  if (uri.startsWith("s3://")) return parseS3(uri);
  if (uri.startsWith("file://")) return { scheme: "file", path: uri.slice("file://".length) };
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(uri))
    throw new InvalidInputError(`No provider can handle '${uri}': expected a path, file://, hf:// or s3://`);
  if (uri === "") throw new InvalidInputError("expected the path or URI of a checkpoint, got nothing");
  return { scheme: "file", path: uri };
}

function parseHf(uri: string): CheckpointUri {
  const [, place = "", query = ""] = /^hf:\/\/([^?#]*)\??([^#]*)/.exec(uri) ?? [];
  const [repo = "", ...rest] = place.split("@");
  const repoType = repo.startsWith("datasets/") ? "dataset" : "model";
  const repoId = repo.replace(/^datasets\//, "").replace(/\/+$/, "");
  if (repoId === "")
    throw new InvalidInputError(`expected hf://org/name[@revision]?filename=path, got '${uri}' without a repository`);
  const filename = new URLSearchParams(query).get("filename") || null;
  return { scheme: "hf", repoId, repoType, revision: rest.join("@") || "main", filename };
}

function parseS3(uri: string): CheckpointUri {
  const [, bucket = "", slash, key = ""] = /^s3:\/\/([^/]*)(\/?)(.*)$/s.exec(uri) ?? [];
  if (bucket === "" || slash === "" || key.trim() === "")
    throw new InvalidInputError(`expected s3://bucket/key, got '${uri}'`);
  return { scheme: "s3", bucket, key };
}
