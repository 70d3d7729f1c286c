/** The tests of this folder and those that take any device, which `run.mjs` starts; all else is as in the project `lib`. */
const { projects, testTimeout } = require("../../jest.config.cjs");

const { displayName: _, testPathIgnorePatterns: __, ...lib } = projects[0];

module.exports = {
  ...lib,
  testTimeout: 2 * testTimeout,
  testMatch: [
    "<rootDir>/test/cuda/**/*.test.ts",
    "<rootDir>/test/golden/*.test.ts",
    "<rootDir>/test/training/golden.test.ts",
  ],
  setupFilesAfterEnv: ["<rootDir>/test/cuda/setup.ts"],
};
