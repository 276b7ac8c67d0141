// What the page does to the server: submit, cancel, mark, delete and undo. Buttons and keys both call these.
import { nearestAspect } from "../../../src/request/sizes.ts"
import { keys, knownJob, putJob, queries } from "../api/cache.ts"
import { call } from "../api/client.ts"
import { matches, NO_FILTER } from "../api/filter.ts"
import type { Asset, Capabilities, Job, Lineage, Picture, Queue, Submit } from "../api/types.ts"
import { messages } from "../messages/index.ts"
import { focusPicture, successor } from "../takes/focus.ts"
import { say } from "./announce.ts"
import {
  type DraftStart,
  type DraftVariation,
  draft,
  draftOf,
  drawSeed,
  modelOf,
  newKey,
  requestOf,
  START_STRENGTH,
  shapesOf,
  variationIn,
  writtenIn,
} from "./draft.ts"
import { newId } from "./id.ts"
import { complainOf } from "./missing.ts"
import { complain, type PictureAt, page, toast } from "./page.ts"

export const capabilities = (): Capabilities | undefined =>
  queries.getQueryData<Capabilities>(keys.capabilities)

/** Called after a submit: the list goes back to its newest end. */
let toNewest: () => void = () => {}
export const whenSubmitted = (handler: () => void): void => {
  toNewest = handler
}

/** Shows a new take where it stands; one that search and filters leave out is told of. */
function show(job: Job): void {
  const { takes } = messages()
  const run = (): void => page.set({ filter: NO_FILTER })
  if (!matches(job, page.get().filter))
    toast(takes.leftOut, { action: { label: takes.clearFilters, run, isBack: false } })
  toNewest()
}

/** One submit; sent again by itself if the answer was lost, and made only once. */
export async function submit(request: Submit, id: string = newId()): Promise<Job> {
  const send = (): Promise<Job> =>
    call<Job>("POST", "api/jobs", request, { headers: { "idempotency-key": id } })
  const job = await send().catch((thrown: Error & { status?: number }) => {
    if (thrown.status !== 0) throw thrown
    return send()
  })
  putJob(job)
  say(messages().live.queued)
  return job
}

/** Whether a picture in the dock is still on its way to the server. */
const isUploading = (): boolean => {
  const { references, start } = draft.get()
  return references.some((r) => !r.image && !r.failed) || start?.image === "" || start?.mask === ""
}

export const canGenerate = (): boolean => {
  const { prompt, start } = draft.get()
  return (prompt.trim() !== "" || (start !== null && !start.failed)) && !isUploading()
}

/** Generates what is in the dock. Nothing is cleared: the next take is usually a small change of this one. */
export async function generate(change: Partial<Submit> = {}): Promise<void> {
  const known = capabilities()
  if (!known || page.get().isSending) return
  if (isUploading()) return toast(messages().references.uploading)
  if (!canGenerate()) return toast(messages().dock.noPrompt)
  if (draft.get().seedLocked && draft.get().seed === null) draft.set({ seed: drawSeed() })
  let request: Submit | undefined
  try {
    page.set({ surface: null, dockOpen: false, isSending: true })
    request = { ...requestOf(draft.get(), known), ...change }
    show(await submit({ ...request, ...(await parentOf(draft.get().variation)) }))
  } catch (thrown) {
    complainOf(thrown, request)
  } finally {
    page.set({ isSending: false })
  }
}

/** The same request with a new seed, as its own take. */
export async function again(job: Job): Promise<void> {
  try {
    show(await submit({ ...job.request, seed: null, ...(await parentOf(variationIn(job))) }))
  } catch (thrown) {
    complain(thrown)
  }
}

/** The picture that is varied, for the lineage; nothing where it is not there any more. */
async function parentOf(variation: DraftVariation | null): Promise<Pick<Submit, "parent">> {
  if (!variation) return {}
  try {
    const { cameFrom } = await call<Lineage>("GET", `api/jobs/${variation.job}/lineage`)
    const parent = cameFrom.find((l) => l.role === "variation")
    if (!parent) return {}
    const { pictures, deletedAt } = await call<Job>("GET", `api/jobs/${parent.job}`)
    if (deletedAt !== null) return {}
    const seed = variation.of.at(-1)?.seed
    const varied = pictures.find((p) => p.id === parent.picture && p.seed === seed)
    return varied ? { parent: varied.id } : {}
  } catch {
    return {}
  }
}

/** How far variations leave their picture: details change, or shapes. */
export const VARY = { subtly: 0.3, strongly: 0.6 } as const

/** Four pictures near one: its request, with its noise turned four ways. */
export async function vary(job: Job, picture: Picture, how: keyof typeof VARY): Promise<void> {
  const before = job.request.variationOf ?? []
  const most = Number(capabilities()?.limits.variations)
  if (before.length >= most) return toast(messages().variation.most(most), { kind: "error" })
  const variationOf = [...before, { seed: picture.seed, strength: VARY[how] }]
  try {
    const made = await submit({ ...job.request, seed: null, count: 4, variationOf, parent: picture.id })
    page.set({ surface: null })
    show(made)
  } catch (thrown) {
    complain(thrown)
  }
}

export type Recall = "all" | "remix" | "prompt" | "seed"

/** Brings settings of a take back into the dock. `seed` is the picture's own, when one is meant. */
export function recall(job: Job, what: Recall, seed = job.request.seed): void {
  const { toast: words } = messages()
  if (what === "prompt") {
    draft.set({ prompt: writtenIn(job), negativePrompt: job.request.negativePrompt })
    toast(words.promptUsed)
    return
  }
  if (what === "seed") {
    draft.set({ seed, seedLocked: true, variation: variationIn(job) })
    toast(words.seedUsed)
    return
  }
  const known = capabilities()
  const settings = draftOf(job, known && modelOf(known, job.request.model))
  draft.set(
    what === "all" ? { ...settings, seed, seedLocked: true } : { ...settings, seed: null, seedLocked: false },
  )
  toast(words.used)
}

export const cancel = (id: string): Promise<void> =>
  call<Job>("POST", `api/jobs/${id}/cancel`, {}).then(putJob, complain)
export const retry = (id: string): Promise<void> =>
  call<Job>("POST", `api/jobs/${id}/retry`, {}).then(putJob, complain)

/** Cancels the newest running take, or the newest waiting one. */
export async function cancelCurrent(): Promise<void> {
  const queue = await call<Queue>("GET", "api/queue").catch(complain)
  const job = queue?.running.at(-1) ?? queue?.waiting.at(-1)?.job
  if (job) await cancel(job.id)
}

const withPicture = (job: Job, id: string, change: Partial<Picture>): Job => ({
  ...job,
  pictures: job.pictures.map((p) => (p.id === id ? { ...p, ...change } : p)),
})

/** Shown at once; taken back when the server says no. */
export async function favourite(picture: Picture): Promise<void> {
  const wanted = !picture.favourite
  const job = knownJob(picture.job)
  if (job) putJob(withPicture(job, picture.id, { favourite: wanted }))
  try {
    await call("PATCH", `api/pictures/${picture.id}`, { favourite: wanted })
  } catch (thrown) {
    // Whatever else has come of the take meanwhile stays.
    const now = knownJob(picture.job)
    if (now) putJob(withPicture(now, picture.id, { favourite: !wanted }))
    complain(thrown)
  }
}

/** What was looked at is gone: the eye and the keyboard go on to the next picture, if there is one. */
function goOn(next: PictureAt | null): void {
  page.set(({ surface, under }) => ({ current: next, surface: next ? surface : under }))
  if (page.get().surface === null) focusPicture(next)
}

export async function removeTake(id: string): Promise<void> {
  const { toast: words } = messages()
  const { current } = page.get()
  const next = current?.job === id ? successor(current, "take") : null
  const restore = (): void => {
    void call<Job>("POST", `api/jobs/${id}/restore`, {}).then(putJob, complain)
  }
  try {
    if (current?.job === id) goOn(next)
    await call("DELETE", `api/jobs/${id}`)
    toast(words.deleted, { action: { label: words.undo, run: restore } })
  } catch (thrown) {
    complain(thrown)
  }
}

const mostReferences = (): number => Number(capabilities()?.limits.references ?? 0)

/** Whether the model in the dock reads references; says so when it does not. */
function readsReferences(): boolean {
  const known = capabilities()
  const model = known && modelOf(known, draft.get().model)
  if (!model || model.supports.references) return true
  const { more } = messages()
  toast(more.unsupported(model.title, more.things.references), { kind: "error" })
  return false
}

/** A picture of the page as a style reference: by its id, nothing is uploaded. */
export function addReference(image: string, thumb: string): void {
  if (!readsReferences()) return
  const { references, toast: words } = messages()
  const now = draft.get().references
  const most = mostReferences()
  if (now.length >= most) {
    toast(references.full(most))
    return
  }
  draft.set({ references: [...now, { key: newKey(), image, thumb, weight: 0.6, muted: false }] })
  toast(words.referenceAdded)
}

type Sized = Pick<Asset, "id" | "width" | "height">

/** The dock takes the start image's shape: what stands out of another one would be cut off, with what is masked there. */
function takeShape(image: Sized): void {
  const known = capabilities()
  const model = known && modelOf(known, draft.get().model)
  if (!model) return
  const nearest = nearestAspect(image.width, image.height)
  const { width, height } = shapesOf(known, model).find((shape) => shape.name === nearest)!
  draft.set({ width, height })
  toast(messages().toast.startSet(nearest))
}

export function setStart(image: Sized, thumb: string): void {
  draft.set({ start: { image: image.id, thumb, strength: START_STRENGTH } })
  takeShape(image)
}

export async function upload(file: File): Promise<Asset> {
  const form = new FormData()
  form.append("file", file)
  return call<Asset>("POST", "api/assets", form)
}

/** Files as references: each shows at once from memory, and gets its id when the server has it. */
export function uploadReferences(files: readonly File[]): void {
  if (files.length === 0 || !readsReferences()) return
  const most = mostReferences()
  const free = most - draft.get().references.length
  if (files.length > free) toast(messages().references.full(most))
  for (const file of files.slice(0, Math.max(0, free))) {
    const key = newKey()
    const change = (part: Partial<ReturnType<typeof draft.get>["references"][number]>): void =>
      draft.set((d) => ({ references: d.references.map((r) => (r.key === key ? { ...r, ...part } : r)) }))
    draft.set((d) => ({
      references: [
        ...d.references,
        { key, image: "", thumb: URL.createObjectURL(file), weight: 0.6, muted: false },
      ],
    }))
    upload(file).then(
      (asset) => change({ image: asset.id, thumb: `files/assets/${asset.id}?width=160` }),
      (thrown: unknown) => {
        change({ failed: thrown instanceof Error ? thrown.message : String(thrown) })
        complain(thrown)
      },
    )
  }
}

export async function uploadStart(file: File): Promise<void> {
  const thumb = URL.createObjectURL(file)
  draft.set({ start: { image: "", thumb, strength: START_STRENGTH } })
  // Another picture may have been chosen meanwhile: this one is no longer wanted then.
  const change = (part: Pick<DraftStart, "image" | "thumb"> | null): void =>
    draft.set(({ start }) => ({ start: start?.thumb === thumb ? part && { ...start, ...part } : start }))
  try {
    const asset = await upload(file)
    const isWanted = draft.get().start?.thumb === thumb
    change({ image: asset.id, thumb: `files/assets/${asset.id}?width=320` })
    if (isWanted) takeShape(asset)
  } catch (thrown) {
    change(null)
    complain(thrown)
  } finally {
    URL.revokeObjectURL(thumb)
  }
}

export async function removePicture(picture: Picture): Promise<void> {
  const { toast: words } = messages()
  const { current } = page.get()
  const next = current?.picture === picture.id ? successor(current, "picture") : null
  const mark = (deleted: boolean): Promise<unknown> =>
    call("PATCH", `api/pictures/${picture.id}`, { deleted })
  try {
    if (current?.picture === picture.id) goOn(next)
    await mark(true)
    toast(words.pictureDeleted, {
      action: { label: words.undo, run: () => void mark(false).catch(complain) },
    })
  } catch (thrown) {
    complain(thrown)
  }
}
