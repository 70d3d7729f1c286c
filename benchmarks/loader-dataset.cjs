// Samples of benchmarks/loader.ts: seven files of tensors each.
const { join } = require("node:path");
const { load } = require("../dist/torch");

const FILES = [
  "surface_points",
  "surface_pressure",
  "surface_normals",
  "volume_points",
  "volume_velocity",
  "volume_sdf",
  "volume_normals",
];

class Cars {
  constructor(folder, length) {
    this.folder = folder;
    this.length = length;
  }

  get(index) {
    const root = join(this.folder, `sample${String(index).padStart(4, "0")}`);
    return Object.fromEntries(FILES.map((name) => [name, load(join(root, `${name}.pt`))]));
  }
}

module.exports = { Cars };
