// The request folder's public face.

export * from "./boards.ts"
export * from "./engine.ts"
export * from "./errors.ts"
export * from "./notes.ts"
export * from "./pictures.ts"
export * from "./request.ts"
export * from "./seeds.ts"
export * from "./sizes.ts"
export * from "./wordings.ts"
