export { cacheName } from "./cache-name";
export { groupDataByPaths } from "./group-data-by-paths";
export { type CacheTarget, LRUCacheFileSystem, type LRUCacheOptions } from "./lru-cache-file-system";
