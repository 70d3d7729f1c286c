/**
 * Preloaded by the programs that tests start: what they import from lib/ is the built package. Compiling lib/ would take each of these
 * processes two seconds. The programs themselves are TypeScript, compiled as jest compiles tests.
 */
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join, resolve, sep } = require("node:path");
const { transformSync } = require("@swc/core");

const root = join(__dirname, "..", "..");
const lib = join(root, "lib");

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  if (!/^(\.|[/\\]|[A-Za-z]:)/.test(request)) return resolveFilename.call(this, request, parent, ...rest);
  const path = parent?.filename ? resolve(dirname(parent.filename), request) : resolve(request);
  if (path !== lib && !path.startsWith(lib + sep)) return resolveFilename.call(this, request, parent, ...rest);
  const built = join(root, "dist", path.slice(lib.length)).replace(/\.ts$/, ".js");
  return resolveFilename.call(this, built, parent, ...rest);
};

require.extensions[".ts"] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, "utf8"), {
    filename,
    swcrc: false,
    jsc: { target: "es2022", parser: { syntax: "typescript", explicitResourceManagement: true } },
    module: { type: "commonjs", ignoreDynamic: true },
    sourceMaps: "inline",
  });
  module._compile(code, filename);
};
