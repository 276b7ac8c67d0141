// The dialects that are served, each behind a door that speaks its words even when it refuses.
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import type { Hono } from "hono"
import type { Callers, Env } from "../http.ts"
import type { Described } from "../route.ts"
import type { Service } from "../service.ts"
import { comfy, comfyFailure, comfyHeaders } from "./comfy.ts"
import { openDoor } from "./door.ts"
import { fal, falFailure } from "./fal.ts"
import { krea, kreaFailure } from "./krea.ts"
import { openai, openaiFailure } from "./openai.ts"
import { operations } from "./operations.ts"
import { replicate, replicateFailure } from "./replicate.ts"
import { runwareHttp } from "./runware-http.ts"
import { runwareSocket } from "./runware-socket.ts"

export interface Dialects {
  /** What the documents say of their routes. */
  described: Described[]
  /** Takes over sockets on /v1 (Runware). */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export function dialects(app: Hono<Env>, s: Service, callers: Callers): Dialects {
  krea(openDoor(app, s, callers, { failure: kreaFailure }), s)
  openai(openDoor(app, s, callers, { failure: openaiFailure }), s)
  replicate(openDoor(app, s, callers, { failure: replicateFailure }), s)
  fal(openDoor(app, s, callers, { failure: falFailure }), s, app)
  comfy(openDoor(app, s, callers, { failure: comfyFailure, headers: comfyHeaders }), s)
  runwareHttp(app, s, callers)
  return { described: operations(app.routes, s.options), upgrade: runwareSocket(s, callers) }
}
