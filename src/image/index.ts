// Pictures in and out.
export { type Credential, newCredential, readCredentials, type Seal, sealWith } from "./credentials.ts"
export * from "./decode.ts"
export * from "./encode.ts"
export * from "./limits.ts"
export { type Provenance, readExpandedPrompt, readRequest } from "./metadata.ts"
export * from "./source.ts"
