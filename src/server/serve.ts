// Starts the service: store, worker, housekeeping and the HTTP server, in that order, and stops them in reverse.

import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { setTimeout as after } from "node:timers/promises"
import { getRequestListener } from "@hono/node-server"
import { newCredential, sealWith } from "../image/credentials.ts"
import { fetchUntrusted } from "../image/fetch-untrusted.ts"
import { Deliverer, Jobs, LEASE_SECONDS, purge, reclaim, sweep, Worker } from "../jobs/index.ts"
import { AtelierError, type Engine } from "../request/index.ts"
import { ensureLocalKey, ensureSetting, liveKeys, openStore } from "../store/index.ts"
import { adminListener } from "./admin.ts"
import { createApp } from "./app.ts"
import { renderWebhook } from "./dialects/webhooks.ts"
import { defaultFilter, enforce } from "./filter.ts"
import { pictureJudge } from "./filter-pictures.ts"
import { isLoopback } from "./http.ts"
import { answerBusy, lockDirectory } from "./lock.ts"
import { openLog } from "./log.ts"
import { Metrics } from "./metrics.ts"
import { VERSION } from "./native/about.ts"
import { type FullOptions, fillOptions, type ServeOptions } from "./options.ts"
import { Rounds } from "./rounds.ts"
import { Service } from "./service.ts"
import { Turns } from "./turns.ts"

export interface Running {
  /** `http://127.0.0.1:4700` */
  url: string
  service: Service
  /** Stops taking requests, hands running jobs back and closes everything. The engine stays the caller's. */
  close(): Promise<void>
}

/**
 * Starts serving. `engine` is null for the role `api`. Throws `conflict` when another process holds the
 * folder or the port, `forbidden` for an address beyond loopback without a key, `invalid_request` for options that do
 * not go together and for an address that is not this machine's.
 */
export async function serve(given: ServeOptions, engine: Engine | null): Promise<Running> {
  const options = fillOptions(given)
  checkOptions(options, engine)
  const log = openLog(options.logLevel)
  const closers: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    let answerAdmin = answerBusy
    if (!options.databaseUrl) {
      const lock = await lockDirectory(options.directory, (request, response) =>
        answerAdmin(request, response),
      )
      closers.push(() => lock.release())
    }
    // A worker needs few: many workers share one server's limit of connections.
    const store = await openStore({ ...options, connections: options.role === "worker" ? 4 : 8 })
    closers.push(() => {
      answerAdmin = answerBusy
      return store.close()
    })
    const jobs = new Jobs({ db: store.db, clock: options.clock, queueCap: options.queueCap })
    answerAdmin = adminListener(jobs, store.blobs)
    await ensureLocalKey(store.db, options.localLimits, jobs.clock())
    const needsKey = await keyPolicy(options, await liveKeys(store.db))
    // A worker node has no readers; following every event would only cost.
    if (options.role !== "worker") await jobs.events.start()
    closers.push(() => jobs.events.close())

    const metrics = new Metrics()
    closers.push(() => metrics.close())
    const pictures = pictureJudge(join(options.directory, "filter"), () => service.models())
    closers.push(() => pictures.close())
    const filter = options.filter === "off" ? null : (options.filter ?? defaultFilter(pictures.judge))
    const credential = await ensureSetting(store.db, "credential", newCredential)
    const seal = sealWith(credential, { name: "Atelier", version: VERSION })
    const service: Service = new Service({ options, store, jobs, metrics, log, engine, filter, seal })
    // Only who makes pictures shows them to the picture stage.
    if (engine && filter && !options.filter)
      pictures
        .prepare()
        .then(
          (isReady) => isReady || log.warn("the content filter's picture classifier could not be fetched"),
        )
        .catch(() => {})

    const worker =
      options.role === "api" || !engine
        ? null
        : new Worker({
            jobs,
            blobs: store.blobs,
            engine,
            prepare: (request) => service.prepare(request),
            seal,
            ...(filter
              ? {
                  inspect: async (pictures, { request }) => {
                    for (const p of pictures) enforce(await filter.checkPicture(p, request), "picture")
                  },
                }
              : {}),
            trySeconds: options.trySeconds,
            previewEvery: options.previewEvery,
            onEnd: ({ state, code, seconds, waited, pictures }) => {
              metrics.ended.inc({ state })
              if (code) metrics.failures.inc({ code })
              if (state === "completed") metrics.pictures.inc({}, pictures)
              metrics.wait.observe(waited)
              metrics.run.observe(seconds)
            },
            onFault: (thrown, job) => log.error({ err: thrown, job }, "a job failed inside"),
            onStep: (seconds, inFlight) => {
              metrics.step.observe(seconds)
              metrics.fill.observe(inFlight)
            },
          })
    // With the folder's lock in hand, whatever still counts as running was left by a crash.
    if (!options.databaseUrl) await reclaim(jobs, true)

    const url = await listen(service, needsKey, options, closers)
    service.origin = url
    // Until the worker has handed its jobs back it must be seen to live, so that no other takes them.
    closers.push(startHousekeeping(service, worker))
    if (worker) {
      await worker.start()
      closers.push(() => worker.stop())
    }
    closers.push(() => service.close())
    log.info({ url, role: options.role, needsKey }, "serving")
    return { url, service, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

function checkOptions(options: FullOptions, engine: Engine | null): void {
  if (options.role !== "all" && !options.databaseUrl) {
    throw new AtelierError(
      "invalid_request",
      `Role ${options.role} needs a PostgreSQL database (DATABASE_URL).`,
    )
  }
  if (options.role !== "api" && !engine) {
    throw new AtelierError(
      "invalid_request",
      `Role ${options.role} needs an engine; only api runs without one.`,
    )
  }
}

async function keyPolicy(options: FullOptions, keys: number): Promise<boolean> {
  const isOpen = isLoopback(options.host)
  if (!isOpen && keys === 0) {
    throw new AtelierError(
      "forbidden",
      `Listening on ${options.host} would let anybody in. Make a key first: atelier keys add <name>.`,
    )
  }
  return options.requireKey || !isOpen
}

async function listen(
  service: Service,
  needsKey: boolean,
  options: FullOptions,
  closers: (() => Promise<void> | void)[],
): Promise<string> {
  const { app, upgrade } = createApp(service, needsKey)
  const answer = getRequestListener(app.fetch)
  const turns = new Turns()
  const server = createServer((request, response) => turns.begin(() => void answer(request, response)))
  // Longer than usual proxies' idle time, so that they never reuse a connection that we just closed.
  server.keepAliveTimeout = 75_000
  server.on("upgrade", upgrade)
  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown: NodeJS.ErrnoException) => reject(listenError(thrown, options)))
    server.listen(options.port, options.host, resolve)
  })
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        // Answers under way get a moment; the work behind them is on disk either way.
        const timer = setTimeout(() => server.closeAllConnections(), 2000)
        server.once("close", () => clearTimeout(timer))
      }),
  )
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(":") ? `[${options.host}]` : options.host
  return `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`
}

function listenError(thrown: NodeJS.ErrnoException, { host, port }: FullOptions): Error {
  switch (thrown.code) {
    case "EADDRINUSE":
      return new AtelierError(
        "conflict",
        `Port ${port} of ${host} is taken; stop what listens there, or give another with --port.`,
      )
    case "EACCES":
      return new AtelierError(
        "forbidden",
        `Port ${port} is for administrators; give one above 1023 with --port.`,
      )
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new AtelierError(
        "invalid_request",
        `--host ${host} is no address of this machine; give one that it has, or 0.0.0.0 for all of them.`,
      )
    default:
      return thrown
  }
}

/** How long a stop waits for webhooks under way. */
const SETTLE_MS = 3000

/** Timers of everything that must also happen when nobody asks. Returns the way to stop them. */
function startHousekeeping(service: Service, worker: Worker | null): () => Promise<void> {
  const { jobs, blobs, metrics, options, log } = service
  const deliverer = new Deliverer({
    jobs,
    render: (envelope, job, place) => renderWebhook(envelope, job, place, service),
    post: async (url, body, headers) => {
      const rules = { method: "POST" as const, body, headers, seconds: 10, maxBytes: 65_536 }
      return (await fetchUntrusted(url, { ...rules, allowPrivate: options.allowPrivateNetwork })).status
    },
    put: async (url, picture) => {
      const body = await service.bytesOf(picture)
      const rules = { method: "PUT" as const, body, seconds: 20, maxBytes: 65_536 }
      return (await fetchUntrusted(url, { ...rules, allowPrivate: options.allowPrivateNetwork })).status
    },
    onAttempt: (isDelivered) => metrics.webhooks.inc({ outcome: isDelivered ? "delivered" : "failed" }),
    onLost: (thrown) => log.warn({ err: thrown }, "a webhook's try was not stored; it will be made again"),
  })
  const rounds = new Rounds(log)
  let swept = jobs.clock().getTime()
  rounds.every(1000, "housekeeping", async () => {
    // After a sleep of this machine nobody's sign of life is fresh; they all come before the next round.
    const isLate = Math.abs(jobs.clock().getTime() - swept) > (LEASE_SECONDS * 1000) / 3
    swept = jobs.clock().getTime()
    if (isLate) await worker?.seen()
    // The embedded database has no worker but this process's own: whoever sweeps there lives.
    await sweep(jobs, blobs, !isLate && options.databaseUrl !== undefined)
  })
  rounds.every(60_000, "the slow part of housekeeping", () => purge(jobs, blobs))
  // In the words and under the rules of those who took the jobs: a worker node has an address and flags of its own.
  if (options.role !== "worker") rounds.every(100, "fetching webhooks that are due", () => deliverer.begin())
  rounds.every((LEASE_SECONDS * 1000) / 3, "the worker's sign of life", async () => worker?.seen())
  return async () => {
    await rounds.stop()
    // What is not stored by then is tried again by whoever comes next.
    await Promise.race([deliverer.settled(), after(SETTLE_MS, undefined, { ref: false })])
  }
}
