// The jobs folder's public face.

export * from "./events.ts"
export * from "./housekeeping.ts"
export * from "./jobs.ts"
export * from "./signature.ts"
export * from "./submit.ts"
export * from "./types.ts"
export * from "./webhooks.ts"
export * from "./worker.ts"
