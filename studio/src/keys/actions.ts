// Every action that a key or the command palette can start.

import { keys, queries } from "../api/cache.ts"
import { call, local, thumb } from "../api/client.ts"
import type { Queue } from "../api/types.ts"
import { SEARCH_ID } from "../bar/Search.tsx"
import { focusPrompt } from "../dock/Prompt.tsx"
import { toggleSeed } from "../dock/Seed.tsx"
import { toggleCompared } from "../state/compared.ts"
import { openMask } from "../state/mask.ts"
import { complain, page, undoLast } from "../state/page.ts"
import { settings, toggleTheme } from "../state/settings.ts"
import { addReference, cancelCurrent, favourite, recall, removeTake, vary } from "../state/work.ts"
import { pictureAt } from "../takes/focus.ts"
import type { ActionName } from "./bindings.ts"

export interface Action {
  name: ActionName
  group: "make" | "picture" | "page"
  run: () => void
}

const onPicture = (run: (at: NonNullable<ReturnType<typeof pictureAt>>) => void) => (): void => {
  const at = pictureAt(page.get().current)
  if (at) run(at)
}

const panel = (name: "queue" | "boards" | "palette" | "help") => (): void =>
  page.set((p) => ({ panel: p.panel === name ? null : name }))

export function togglePause(): void {
  const paused = queries.getQueryData<Queue>(keys.queue)?.paused
  void call<Queue>("POST", paused ? "api/queue/resume" : "api/queue/pause").then(
    (queue) => queries.setQueryData(keys.queue, queue),
    complain,
  )
}

export const ACTIONS: readonly Action[] = [
  { name: "focusPrompt", group: "make", run: focusPrompt },
  { name: "lockSeed", group: "make", run: toggleSeed },
  { name: "mask", group: "make", run: openMask },
  { name: "cancelCurrent", group: "make", run: () => void cancelCurrent() },
  { name: "pause", group: "make", run: togglePause },
  { name: "favourite", group: "picture", run: onPicture(({ picture }) => void favourite(picture)) },
  {
    name: "compare",
    group: "picture",
    run: onPicture(({ job, picture }) => toggleCompared({ job: job.id, picture: picture.id })),
  },
  {
    name: "useAll",
    group: "picture",
    run: onPicture(({ job, picture }) => recall(job, "all", picture.seed)),
  },
  { name: "remix", group: "picture", run: onPicture(({ job }) => recall(job, "remix")) },
  {
    name: "asReference",
    group: "picture",
    run: onPicture(({ picture }) => addReference(picture.id, thumb(picture, 320))),
  },
  { name: "vary", group: "picture", run: onPicture(({ job, picture }) => void vary(job, picture, "subtly")) },
  {
    name: "varyStrongly",
    group: "picture",
    run: onPicture(({ job, picture }) => void vary(job, picture, "strongly")),
  },
  {
    name: "download",
    group: "picture",
    run: onPicture(({ picture }) => {
      const link = document.createElement("a")
      link.href = `${local(picture.url)}?download=1`
      link.download = ""
      link.click()
    }),
  },
  { name: "delete", group: "picture", run: onPicture(({ job }) => void removeTake(job.id)) },
  { name: "inspector", group: "picture", run: () => settings.set((s) => ({ inspector: !s.inspector })) },
  { name: "search", group: "page", run: () => document.getElementById(SEARCH_ID)?.focus() },
  { name: "palette", group: "page", run: panel("palette") },
  { name: "queue", group: "page", run: panel("queue") },
  { name: "boards", group: "page", run: panel("boards") },
  { name: "grid", group: "page", run: () => page.set({ surface: "grid" }) },
  {
    name: "wall",
    group: "page",
    run: () => settings.set((s) => ({ layout: s.layout === "wall" ? "takes" : "wall" })),
  },
  { name: "theme", group: "page", run: toggleTheme },
  { name: "help", group: "page", run: panel("help") },
  { name: "undo", group: "page", run: undoLast },
]
