// Hold a key to see the same seed without its references. Made once, kept by the server under one id, shown while held.
import { call, local } from "../api/client.ts"
import type { Job, Picture } from "../api/types.ts"
import { messages } from "../messages/index.ts"
import { toast } from "../state/page.ts"
import { createStore } from "../state/store.ts"
import { submit } from "../state/work.ts"

export type Held = { picture: string; state: "working" | "ready" | "failed"; url: string | null } | null

export const held = createStore<{ now: Held }>({ now: null })
const made = new Map<string, string>()

/** A picture that had no references and no board is its own answer. */
export async function startHold(job: Job, picture: Picture): Promise<void> {
  const { request } = job
  if (request.references.length === 0 && !request.board) {
    toast(messages().references.influenceNone)
    return
  }
  const known = made.get(picture.id)
  if (known) return held.set({ now: { picture: picture.id, state: "ready", url: known } })
  held.set({ now: { picture: picture.id, state: "working", url: null } })
  const show = (now: Held): void => {
    if (held.get().now?.picture === picture.id) held.set({ now })
  }
  try {
    const bare = {
      ...request,
      references: [],
      board: null,
      seed: picture.seed,
      count: 1,
      priority: 5,
      parent: picture.id,
    }
    const { id } = await submit(bare, `bare-${picture.id}`)
    const done = await call<Job>("GET", `api/jobs/${id}?wait=300`)
    const url = done.pictures[0]?.url
    if (!url) return show({ picture: picture.id, state: "failed", url: null })
    made.set(picture.id, local(url))
    show({ picture: picture.id, state: "ready", url: local(url) })
  } catch {
    show({ picture: picture.id, state: "failed", url: null })
  }
}

export const stopHold = (): void => held.set({ now: null })
