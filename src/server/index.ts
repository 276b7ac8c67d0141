// The server folder's public face.

export { keysAdd, keysList, keysRevoke, scrubStore, webhooksList, webhooksReplay } from "./admin.ts"
export { type ContentFilter, defaultFilter, type FilterVerdict } from "./filter.ts"
export type { ServeOptions } from "./options.ts"
export { type Running, serve } from "./serve.ts"
