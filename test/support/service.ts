// A running service for tests: its own folder, a database copied from a prepared one (folder.ts), and the test engine.
import { rm } from "node:fs/promises"
import { type Running, type ServeOptions, serve } from "../../src/server/index.ts"
import { openStore, type Store } from "../../src/store/store.ts"
import { backend } from "./backends.ts"
import { type TestEngine, type TestEngineOptions, testEngine } from "./engine.ts"
import { dataFolder } from "./folder.ts"

export interface TestStore extends Store {
  directory: string
  /** Closes and deletes. */
  drop(): Promise<void>
}

export async function testStore(): Promise<TestStore> {
  const directory = await dataFolder()
  const { drop, ...where } = await backend()
  const store = await openStore({ directory, ...where })
  return {
    ...store,
    directory,
    drop: async () => {
      await store.close()
      await drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export interface TestService extends Running {
  directory: string
  engine: TestEngine
  /** JSON in, status and JSON out. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Stops, and starts again on the same folder and port. */
  restart(): Promise<void>
  drop(): Promise<void>
}
export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read foreign shapes member by member.
  body: any
}

export async function startService(
  options: ServeOptions = {},
  engineOptions: TestEngineOptions = {},
): Promise<TestService> {
  const directory = options.directory ?? (await dataFolder())
  const engine = testEngine({ side: 48, ...engineOptions })
  const { drop, ...where } = await backend()
  const full = { directory, port: 0, logLevel: "silent", allowPrivateNetwork: true, ...where, ...options }
  let running = await serve(full, engine)
  const service: TestService = {
    directory,
    engine,
    get url() {
      return running.url
    },
    get service() {
      return running.service
    },
    close: () => running.close(),
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${running.url}${path}`, {
        signal: AbortSignal.timeout(60_000),
        method,
        headers,
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.includes("json")
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
    },
    async restart() {
      const { port } = new URL(running.url)
      await running.close()
      running = await serve({ ...full, port: Number(port) }, engine)
    },
    async drop() {
      await running.close()
      await drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return service
}

/** Resolves when `check` holds; looks again after every event loop turn of a few milliseconds. */
export async function until(check: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (!(await check())) {
    if (performance.now() > end) throw new Error("The condition did not become true.")
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A door that a test opens: `wait` blocks until `open`. */
export function gate(): { open: () => void; wait: () => Promise<void>; reached: Promise<void> } {
  const opened = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  return {
    open: opened.resolve,
    reached: reached.promise,
    wait: () => {
      reached.resolve()
      return opened.promise
    },
  }
}
