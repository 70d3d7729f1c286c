// Two projects: `lib` runs the TypeScript sources as they are, `dist` runs what the build made (exports map, ESM wrappers, bin entries).
const { availableParallelism } = require("node:os");

// Test files run side by side, each process with threads of its own: one that has nothing to do leaves its core to the others.
process.env.OMP_WAIT_POLICY ??= "PASSIVE";

const shared = {
  rootDir: __dirname,
  testEnvironment: "<rootDir>/test/support/environment.cjs",
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: { target: "es2022", parser: { syntax: "typescript", explicitResourceManagement: true } },
        module: { type: "commonjs" },
        sourceMaps: "inline",
      },
    ],
  },
  moduleFileExtensions: ["ts", "js", "cjs", "mjs", "json", "node"],
};

/** @type {import("jest").Config} */
module.exports = {
  // Two files at a time on two cores: by itself jest would take one. Four at most: a process of tests grows to a gigabyte.
  maxWorkers: Math.max(2, Math.min(4, availableParallelism() - 1)),
  testSequencer: "<rootDir>/test/support/sequencer.cjs",
  // for a machine with other work; nothing is expected to take so long
  testTimeout: 180_000,
  projects: [
    {
      ...shared,
      displayName: "lib",
      // examples and fixtures import the package by its name, as a user does
      moduleNameMapper: {
        "^noether-ts$": "<rootDir>/lib",
        "^noether-ts/core$": "<rootDir>/lib/entries/core.ts",
        "^noether-ts/(.*)$": "<rootDir>/lib/$1",
        // what commands import when they begin has the name that it has when it is built
        "^\\./(run-.*)\\.js$": "<rootDir>/lib/cli/$1",
        "^(\\.\\./)+torch/index\\.js$": "<rootDir>/lib/torch",
      },
      testMatch: ["<rootDir>/test/**/*.test.ts"],
      testPathIgnorePatterns: ["/node_modules/", "<rootDir>/test/dist/", "<rootDir>/test/cuda/"],
    },
    {
      ...shared,
      displayName: "dist",
      testMatch: ["<rootDir>/test/dist/**/*.test.ts"],
    },
  ],
};
