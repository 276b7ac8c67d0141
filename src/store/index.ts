// The store folder's public face.

export * from "./assets.ts"
export * from "./blobs.ts"
export * from "./boards.ts"
export * from "./database.ts"
export { diskBlobs } from "./disk-blobs.ts"
export { openEmbedded } from "./embedded.ts"
export * from "./keys.ts"
export { migrate } from "./migrations.ts"
export { parseS3Address, s3Blobs } from "./s3-blobs.ts"
export { ensureSetting } from "./settings.ts"
export * from "./sql.ts"
export * from "./store.ts"
