// Data folders for tests, their databases ready.
import { cpSync } from "node:fs"
import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { compileOnce } from "../../src/store/embedded.ts"
import { sha256 } from "../../src/store/index.ts"
import { MIGRATIONS } from "../../src/store/migrations.ts"
import { openStore } from "../../src/store/store.ts"

const template = join(tmpdir(), `atelier-test-database-${sha256(MIGRATIONS.join("\n")).slice(0, 12)}`)

/** Making an empty database takes seconds, copying one does not. */
async function prepared(): Promise<string> {
  if (await stat(template).catch(() => null)) return template
  const made = await mkdtemp(join(tmpdir(), "atelier-template-"))
  await (await openStore({ directory: made })).close()
  // Whoever is first gives the name; the others throw theirs away.
  await rename(made, template).catch(() => rm(made, { recursive: true }))
  return template
}

// Its types come with the browser's, which the tests have no use for.
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> }

const pglite = dirname(fileURLToPath(import.meta.resolve("@electric-sql/pglite")))
/**
 * PostgreSQL's code, held for as long as the process lives: V8 gives every database that is opened meanwhile the same
 * machine code. Else each test's database would be compiled anew.
 */
let code: object | undefined
async function holdCode(): Promise<void> {
  if (code) return
  compileOnce()
  code = await WebAssembly.compile(await readFile(join(pglite, "pglite.wasm")))
}

/** A fresh data folder whose database is ready. */
export async function dataFolder(): Promise<string> {
  await holdCode()
  const directory = await mkdtemp(join(tmpdir(), "atelier-test-"))
  // Not the promise's: a thousand small files take it up to twelve times as long.
  cpSync(await prepared(), directory, { recursive: true })
  return directory
}
