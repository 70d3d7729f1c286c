/** What is used of the AWS SDK, which is optional: its types are not needed to compile against this package. */
import type { Readable } from "node:stream";
import { optionalPackage } from "../optional-package";

/** Sends commands. */
export interface S3Client {
  send(command: object, options?: SendOptions): Promise<unknown>;
  destroy(): void;
}

/** A signed request of the SDK. */
export interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** How the SDK is told by whom a command is sent: what `send` gets comes to the handler. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
  /** The answer is large. */
  readonly bulk?: boolean;
}

/** What sends requests. */
export interface SdkHandler {
  handle(request: SdkRequest, options?: SendOptions): Promise<{ response: object }>;
}

/** A page of a listing. */
export interface ListPage {
  readonly IsTruncated?: boolean;
  readonly NextContinuationToken?: string;
  readonly EncodingType?: string;
  readonly Contents?: readonly { readonly Key?: string; readonly Size?: number; readonly ETag?: string }[];
}

/** An object's head. */
export interface ObjectHead {
  readonly ContentLength?: number;
  readonly ContentRange?: string;
  readonly ETag?: string;
  readonly ServerSideEncryption?: string;
  readonly SSECustomerAlgorithm?: string;
  /** Base64, of composite ones with `-` and the number of parts. */
  readonly ChecksumCRC32?: string;
  readonly ChecksumCRC32C?: string;
  readonly ChecksumCRC64NVME?: string;
  readonly ChecksumSHA1?: string;
  readonly ChecksumSHA256?: string;
  readonly ChecksumType?: string;
}

/** A page of an object's attributes. */
export interface ObjectAttributes {
  readonly ETag?: string;
  readonly ObjectParts?: {
    readonly IsTruncated?: boolean;
    readonly NextPartNumberMarker?: string;
    readonly Parts?: readonly { readonly Size?: number }[];
  };
}

/** An object, or a part of it. */
export interface ObjectAnswer extends ObjectHead {
  readonly Body?: Readable;
}

/** A command, and where its request can be changed before it is signed. */
interface Command {
  readonly middlewareStack: { add(middleware: Middleware, options: { readonly step: "build" }): void };
}
type Middleware = (
  next: (args: object) => unknown,
) => (args: { request: { headers: Record<string, string> } }) => unknown;
type CommandClass = new (input: object) => Command;

/** The part of `@aws-sdk/client-s3` that is used. */
export interface S3Sdk {
  readonly S3Client: new (config: object) => S3Client & { readonly config: { requestHandler: SdkHandler } };
  readonly ListObjectsV2Command: CommandClass;
  readonly GetObjectCommand: CommandClass;
  readonly HeadObjectCommand: CommandClass;
  readonly GetObjectAttributesCommand: CommandClass;
}

/** An upload of `@aws-sdk/lib-storage`. */
interface Upload {
  done(): Promise<unknown>;
}

/** Loads the SDK. */
export async function s3Sdk(): Promise<S3Sdk> {
  return optionalPackage<S3Sdk>("@aws-sdk/client-s3", "speaks with S3");
}

/** Loads what uploads in parts. */
export async function uploadSdk(): Promise<{ readonly Upload: new (options: object) => Upload }> {
  return optionalPackage("@aws-sdk/lib-storage", "uploads to S3 in parts");
}
