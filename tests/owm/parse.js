// Reads a JSON list of maps as OWM text from the standard input, writes what OnlineWardleyMaps' parser makes of each.
// The package also draws: what only its drawing needs (React, MUI) is stood in for by something that can be called.
const Module = require("module");

const standIn = () =>
  new Proxy(function () {}, {
    get: (_, name) => (name === Symbol.toPrimitive ? () => "" : standIn()),
    apply: standIn,
    construct: standIn,
  });
const load = Module._load;
Module._load = (name, ...rest) => {
  try {
    return load(name, ...rest);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return standIn();
  }
};
for (const level of ["log", "info", "warn", "error"]) console[level] = () => {};

const { UnifiedConverter } = require("wmlandscape");
const parser = new UnifiedConverter({ enableNewPipelines: true });
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => parser.parse(text))));
