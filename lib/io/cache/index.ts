export { cacheName } from "./cache-name";
export { groupDataByPaths } from "./group-data-by-paths";
export { type CachedFile, type CacheTarget, LRUCacheFileSystem, type LRUCacheOptions } from "./lru-cache-file-system";
export { SqliteLRUCacheFileSystem } from "./sqlite-lru-cache-file-system";
