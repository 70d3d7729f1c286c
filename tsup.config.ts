import { defineConfig } from "tsup";

/**
 * One CommonJS file per source file, at the same place in the tree.
 *
 * Not bundled on purpose: every entry (`.`, `./torch`, …) and every command then shares one copy of each module, so a `Tensor`
 * is the same class wherever it was imported from, and stack traces show the file that a reader finds under `lib/`.
 * The ESM entries are thin wrappers over these files, see `scripts/build.mjs`.
 */
export default defineConfig({
  entry: ["lib/**/*.ts"],
  outDir: "dist",
  format: ["cjs"],
  target: "node20",
  platform: "node",
  bundle: false,
  clean: true,
  silent: true,
});
