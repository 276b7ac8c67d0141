// What `import "atelier"` gives: the engine, the client of a server, the canonical request, and errors as data.

export { BoardFile, exportBoard, importBoard, readBoardFile } from "./controls/board-file.ts"
export { type Board, BoardFolder, type NewPicture } from "./controls/boards.ts"
export { createEngine, type EngineOptions } from "./controls/engine.ts"
export { type Provenance, readExpandedPrompt, readRequest } from "./image/metadata.ts"
export { type ImageResolver, imageReader, readImage } from "./image/source.ts"
export { verifyWebhook } from "./jobs/signature.ts"
export * from "./request/index.ts"
export { DEVICES, type Device } from "./runtime/device.ts"
export * from "./sdk/index.ts"
export { version } from "./version.ts"
