// What `import "atelier"` gives: the engine, the canonical request, and errors as data.
export { type Provenance, readRequest } from "./image/metadata.ts"
export { type ImageResolver, readImage } from "./image/source.ts"
export * from "./request/index.ts"
export { DEVICES, type Device } from "./runtime/device.ts"
export { createEngine, type EngineOptions } from "./sampling/engine.ts"
export { version } from "./version.ts"
