// Hold to see the same seed without its references, or without one of them. Made once, kept by the server under one id,
// shown while held.
import { putJob } from "../api/cache.ts"
import { call, local } from "../api/client.ts"
import type { Job, Picture, Submit } from "../api/types.ts"
import { type Messages, messages } from "../messages/index.ts"
import { toast } from "../state/page.ts"
import { createStore } from "../state/store.ts"
import { submit } from "../state/work.ts"

export type Held = {
  picture: string
  /** Place of the one reference that is left out; null for all of them. */
  without: number | null
  state: "working" | "ready" | "failed"
  url: string | null
} | null

/** What is said over the picture while it is held. */
export const holdWord = (h: NonNullable<Held>, { look: t }: Messages): string =>
  h.state === "working"
    ? t.withoutWorking
    : h.state === "failed"
      ? t.withoutFailed
      : h.without === null
        ? t.without
        : t.withoutOne(h.without + 1)

export const held = createStore<{ now: Held }>({ now: null })
const made = new Map<string, string>()

/** What was made for it before may have failed or been cancelled or deleted since: it stands again, and is made again. */
async function revived(job: Job, request: Submit): Promise<Job> {
  const change = async (how: "restore" | "retry"): Promise<Job> => {
    const changed = await call<Job>("POST", `api/jobs/${job.id}/${how}`, {})
    putJob(changed)
    return changed
  }
  const restored = job.deletedAt === null ? job : await change("restore")
  const isBroken = restored.state === "failed" || restored.state === "cancelled"
  // Of a picture that was deleted alone nobody knows the way back.
  if (restored.state === "completed" && restored.pictures.length === 0) return submit(request)
  return isBroken ? change("retry") : restored
}

/** A picture that had no references and no board is its own answer. */
export async function startHold(job: Job, picture: Picture, without: number | null = null): Promise<void> {
  const { request } = job
  if (request.references.length === 0 && !request.board) {
    toast(messages().references.influenceNone)
    return
  }
  const name = without === null ? picture.id : `${picture.id}-${without}`
  const at = { picture: picture.id, without }
  const known = made.get(name)
  if (known) return held.set({ now: { ...at, state: "ready", url: known } })
  held.set({ now: { ...at, state: "working", url: null } })
  const show = (state: "ready" | "failed", url: string | null): void => {
    const { now } = held.get()
    if (now?.picture === picture.id && now.without === without) held.set({ now: { ...at, state, url } })
  }
  try {
    const bare = {
      ...request,
      ...(without === null
        ? { references: [], board: null }
        : { references: request.references.toSpliced(without, 1) }),
      seed: picture.seed,
      count: 1,
      priority: 5,
      parent: picture.id,
    }
    const { id } = await revived(await submit(bare, `bare-${name}`), bare)
    const done = await call<Job>("GET", `api/jobs/${id}?wait=300`)
    const url = done.pictures[0]?.url
    if (!url) return show("failed", null)
    made.set(name, local(url))
    show("ready", local(url))
  } catch {
    show("failed", null)
  }
}

export const stopHold = (): void => held.set({ now: null })
