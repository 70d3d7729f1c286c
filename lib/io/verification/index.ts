export { describeFailAction, FailAction } from "./fail-action";
export { hashFile } from "./hash-file";
export {
  type FileRecord,
  type FileSource,
  loadManifest,
  type Manifest,
  manifestText,
  parseManifest,
  saveManifest,
} from "./manifest";
export { buildManifest, isClean, type VerificationResult, VerificationType, verifyTree } from "./verify-tree";
