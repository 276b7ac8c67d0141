// Jobs and workers without a server, on a store of their own.
import { Jobs, type Submission, Worker, type WorkerOptions } from "../../src/jobs/index.ts"
import { type GenerationInput, parseRequest } from "../../src/request/index.ts"
import { addKey, type Store } from "../../src/store/index.ts"
import { type TestEngine, type TestEngineOptions, testEngine } from "./engine.ts"

export interface Queue {
  jobs: Jobs
  store: Store
  engine: TestEngine
  now: { time: number }
  key(name: string, limits?: { concurrency?: number; backlog?: number }): Promise<string>
  submit(keyId: string, request: Partial<GenerationInput>, more?: Partial<Submission>): Promise<string>
  worker(options?: Partial<WorkerOptions>): Promise<Worker>
  close(): Promise<void>
}

export async function testQueue(
  store: Store,
  options: TestEngineOptions = {},
  queueCap = 10_000,
): Promise<Queue> {
  const now = { time: Date.parse("2026-06-01T00:00:00Z") }
  const jobs = new Jobs({ db: store.db, clock: () => new Date(now.time), queueCap })
  await jobs.events.start()
  const engine = testEngine({ side: 16, ...options })
  const workers: Worker[] = []
  return {
    jobs,
    store,
    engine,
    now,
    key: async (name, limits = {}) => (await addKey(store.db, name, limits, jobs.clock())).id,
    async submit(keyId, request, more = {}) {
      const full = parseRequest({ prompt: "a fox", seed: 1, ...request })
      return (await jobs.submit({ keyId, request: full, dialect: "native", ...more })).jobId
    },
    async worker(given = {}) {
      const worker = new Worker({ jobs, blobs: store.blobs, engine, prepare: async (r) => r, ...given })
      workers.push(worker)
      await worker.start()
      return worker
    },
    async close() {
      for (const worker of workers) await worker.stop()
      await jobs.events.close()
    },
  }
}
