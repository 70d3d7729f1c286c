const { sep } = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** Folders whose files take longest, for they start processes: those first, that no process of tests is left with one at the end. */
const SLOW = ["test/dist/", "test/training/", "test/examples/", "test/native/", "test/torch/serialization/"];

module.exports = class extends Sequencer {
  sort(tests) {
    const isSlow = ({ path }) => SLOW.some((folder) => path.includes(folder.replaceAll("/", sep)));
    const sorted = super.sort(tests); // by the time they took, where it is known, else by size
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
};
