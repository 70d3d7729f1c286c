export { AWSSecrets, clientConfig, getS3Client } from "./client";
export { fetchS3File, fetchS3Prefix, type S3FetchOptions, fetchS3Targets, planS3Targets, type S3Target } from "./fetch";
export {
  estimateS3Size,
  expectS3Object,
  headS3Object,
  iterS3ObjectChunks,
  listS3Objects,
  remoteS3Object,
  type S3Head,
  type S3Object,
  type S3Options,
} from "./objects";
export { S3FileUploader, type S3FileUploaderOptions } from "./s3-file-uploader";
export type { S3Client } from "./sdk";
