// Two projects: `lib` runs the TypeScript sources as they are, `dist` runs what the build made (exports map, ESM wrappers, bin entries).
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
  testTimeout: 60000,
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
