/** The tests of this folder, which `run.mjs` starts: everything else is as in the project `lib`. */
const { projects, testTimeout } = require("../../jest.config.cjs");

const { displayName: _, testPathIgnorePatterns: __, ...lib } = projects[0];

module.exports = { ...lib, testTimeout: 2 * testTimeout, testMatch: ["<rootDir>/test/cuda/**/*.test.ts"] };
