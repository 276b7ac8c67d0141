// What `atelier serve` can be told, with its defaults. The command line and the tests fill the same object.
import { homedir } from "node:os"
import { join } from "node:path"
import type { Clock } from "../jobs/index.ts"
import { DEFAULT_LIMITS, type KeyLimits } from "../store/index.ts"
import type { ContentFilter } from "./filter.ts"

export interface ServeOptions {
  /** Where the service keeps everything: `~/.atelier` unless given. */
  directory?: string
  /** `127.0.0.1` unless given. Any other than loopback needs a key (`atelier keys add`). */
  host?: string
  /** 4700 unless given; 0 takes a free one. */
  port?: number
  /** `postgres://...` instead of the embedded database; for several machines. From DATABASE_URL unless given. */
  databaseUrl?: string
  /** `s3://bucket/prefix?endpoint=...` instead of a folder for pictures. From ATELIER_BLOBS unless given. */
  blobUrl?: string
  /** `all` unless given. `api` takes requests, `worker` makes pictures; both need databaseUrl. */
  role?: "all" | "api" | "worker"
  /** How clients reach this server from outside; result addresses start with it. */
  publicUrl?: string
  /** Ask for a key even on loopback. */
  requireKey?: boolean
  /** Let remote pictures and webhooks point into private networks. For a trusted network only. */
  allowPrivateNetwork?: boolean
  /** Public model names and the installed models they mean: `{ "krea-2-large": "my-large" }`. */
  names?: Record<string, string>
  /** Sizes that the model was not made for go to the nearest one instead of being refused. */
  snapDimensions?: boolean
  /** Refuse reference strengths outside the hosted API's newest range instead of noting them. */
  strictStrengths?: boolean
  /** Unfinished jobs of all keys together; 10,000 unless given. */
  queueCap?: number
  /** Seconds that finished pictures are kept; for good unless given. */
  keepSeconds?: number
  /** Limits of callers without a key of their own. */
  localLimits?: Partial<KeyLimits>
  /** Content filter: the built-in one unless given, `off` for models whose licence allows that. */
  filter?: ContentFilter | "off"
  /** One try of a job takes at most this long; 900 s unless given. */
  trySeconds?: number
  /** Steps between previews, 0 for none; 3 unless given. */
  previewEvery?: number
  /** Seconds between the heartbeats of silent event streams; 15 unless given. */
  heartbeatSeconds?: number
  /** Seconds of silence that end a Runware socket, and that its session then waits for another; 120 unless given. */
  sessionSeconds?: number
  /** Folder of the built studio page. */
  studioDirectory?: string
  /** pino level; `info` unless given, `silent` for none. */
  logLevel?: string
  /** For tests. */
  clock?: Clock
}

export type FullOptions = Required<
  Omit<ServeOptions, "databaseUrl" | "blobUrl" | "publicUrl" | "keepSeconds" | "studioDirectory" | "filter">
> &
  Pick<
    ServeOptions,
    "databaseUrl" | "blobUrl" | "publicUrl" | "keepSeconds" | "studioDirectory" | "filter"
  > & {
    localLimits: KeyLimits
  }

/** Callers on this machine share it with nobody: only the queue's cap bounds them. */
const LOCAL_LIMITS: KeyLimits = { ...DEFAULT_LIMITS, concurrency: 64, backlog: 10_000, rate: 100_000 }

export const fillOptions = (options: ServeOptions): FullOptions => ({
  ...options,
  databaseUrl: options.databaseUrl ?? process.env.DATABASE_URL,
  blobUrl: options.blobUrl ?? process.env.ATELIER_BLOBS,
  directory: options.directory ?? process.env.ATELIER_HOME ?? join(homedir(), ".atelier"),
  host: options.host ?? "127.0.0.1",
  port: options.port ?? 4700,
  role: options.role ?? "all",
  requireKey: options.requireKey ?? false,
  allowPrivateNetwork: options.allowPrivateNetwork ?? false,
  names: options.names ?? {},
  snapDimensions: options.snapDimensions ?? false,
  strictStrengths: options.strictStrengths ?? false,
  queueCap: options.queueCap ?? 10_000,
  localLimits: { ...LOCAL_LIMITS, ...options.localLimits },
  trySeconds: options.trySeconds ?? 900,
  previewEvery: options.previewEvery ?? 3,
  heartbeatSeconds: options.heartbeatSeconds ?? 15,
  sessionSeconds: options.sessionSeconds ?? 120,
  logLevel: options.logLevel ?? "info",
  clock: options.clock ?? (() => new Date()),
})
