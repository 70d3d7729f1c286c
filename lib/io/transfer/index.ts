export type { Checksum } from "./checksum";
export { type Clock, systemClock } from "../http/clock";
export { downloadFile, type DownloadOptions } from "./download-file";
export { type Download, downloadFiles, type DownloadFilesOptions } from "./download-files";
export { LogProgress, type ProgressOptions } from "./log-progress";
export type { RemoteBody, RemoteFile } from "./remote-file";
export { deservesRetry, type RetryOptions, withRetries } from "../http/retry";
