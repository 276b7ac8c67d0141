// The engine on the shipped model, for tests of what its pictures show.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { createEngine } from "../../src/controls/engine.ts"
import type { LocalEngine } from "../../src/sampling/engine.ts"

/**
 * With a home of its own; both go when the tests of the file, or of the `describe` it is called in, are over. On one
 * thread: test files run beside each other, and two threads that wait for each other on a busy machine are slower than one.
 */
export function shippedEngine(): { engine: LocalEngine; home: string } {
  const home = mkdtempSync(join(tmpdir(), "atelier-shipped-"))
  const engine = createEngine({ home, threads: 1 })
  after(async () => {
    await engine.close()
    rmSync(home, { recursive: true })
  })
  return { engine, home }
}
