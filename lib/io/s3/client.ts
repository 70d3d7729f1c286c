import { type Credentials, credentialsIfAny } from "../credentials";
import { agentsFor } from "../http/proxy";
import { expectHttpUrl } from "../http/request";
import { log } from "../logging";
import { withBulk } from "./bulk-handler";
import { type S3Client, s3Sdk } from "./sdk";

/** Variables that the client is made from. */
export enum AWSSecrets {
  AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID",
  AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY",
  AWS_SESSION_TOKEN = "AWS_SESSION_TOKEN",
  AWS_REGION = "AWS_REGION",
  AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION",
  AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL",
}

/** Clients by what they were made from. */
const clients = new Map<string, Promise<S3Client>>();

/**
 * The client for S3, or for whatever speaks its protocol at `AWS_ENDPOINT_URL`. One for the same credentials. Requests are
 * signed if, and only if, there is a key pair.
 *
 * @param options.maxAttempts tries of a request by the SDK itself. Default: 1, as transfers here try again on their own
 * @throws IoError without the package `@aws-sdk/client-s3`
 */
export async function getS3Client(
  options: { readonly credentials?: Credentials; readonly maxAttempts?: number } = {},
): Promise<S3Client> {
  const credentials = options.credentials ?? credentialsIfAny("aws");
  const maxAttempts = options.maxAttempts ?? 1;
  const key = JSON.stringify([Object.entries(credentials).sort(), maxAttempts]);
  let client = clients.get(key);
  if (client === undefined) {
    client = createClient(credentials, maxAttempts);
    clients.set(key, client);
    client.catch(() => clients.delete(key));
  }
  return client;
}

async function createClient(credentials: Credentials, maxAttempts: number): Promise<S3Client> {
  const sdk = await s3Sdk();
  const config = clientConfig(credentials, maxAttempts);
  log.info("signer" in config ? "Using unsigned S3 client (public bucket)" : "Using credentialed S3 client");
  return withBulk(new sdk.S3Client(config));
}

/** The SDK's options for credentials. */
export function clientConfig(credentials: Credentials, maxAttempts = 1): Record<string, unknown> {
  const endpoint = credentials["AWS_ENDPOINT_URL"];
  if (endpoint !== undefined) expectHttpUrl(endpoint, "AWS_ENDPOINT_URL");
  const [id, secret, session] = [
    credentials["AWS_ACCESS_KEY_ID"],
    credentials["AWS_SECRET_ACCESS_KEY"],
    credentials["AWS_SESSION_TOKEN"],
  ];
  const region = credentials["AWS_REGION"] ?? "us-east-1";
  const agents = agentsFor(new URL(endpoint ?? `https://s3.${region}.amazonaws.com`));
  return {
    region,
    followRegionRedirects: true,
    maxAttempts,
    retryMode: "standard",
    // servers other than Amazon's do not know the newer checksums
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { httpAgent: agents.http, httpsAgent: agents.https, connectionTimeout: 30_000, requestTimeout: 0 },
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(id !== undefined && secret !== undefined
      ? { credentials: { accessKeyId: id, secretAccessKey: secret, ...(session ? { sessionToken: session } : {}) } }
      : { signer: { sign: async (request: unknown) => Promise.resolve(request) }, credentials: NOBODY }),
  };
}

/** Keeps the SDK from looking for credentials elsewhere; they are never used. */
const NOBODY = { accessKeyId: "", secretAccessKey: "" };
