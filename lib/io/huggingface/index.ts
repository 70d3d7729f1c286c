export {
  estimateHfRepoSize,
  fetchHubPlan,
  fetchHuggingfaceByExtension,
  fetchHuggingfaceFile,
  fetchHuggingfaceRepoSnapshot,
  type HubFetchOptions,
  type HubPlan,
  planHubDownload,
} from "./fetch";
export { Hub, type HubEntry, type HubFileInfo, type HubOptions } from "./hub";
export { type HFRepoType, type HubRepoRef, repoRef } from "./repo";
