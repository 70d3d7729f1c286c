/** The loaded addon. Importing anything of lib/torch loads it; `loader.ts` explains a failure. */
import { loadNative } from "./loader";
import type { NativeAddon } from "./native";

/** The native functions; only lib/torch calls them. */
export const native: NativeAddon = loadNative();
