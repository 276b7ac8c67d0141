// What `import "atelier"` gives: the engine, the canonical request, and errors as data.

export { createEngine, type EngineOptions } from "./controls/engine.ts"
export { type Provenance, readRequest } from "./image/metadata.ts"
export { type ImageResolver, readImage } from "./image/source.ts"
export * from "./request/index.ts"
export { DEVICES, type Device } from "./runtime/device.ts"
export { version } from "./version.ts"
