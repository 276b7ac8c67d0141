// Arrow keys over pictures: left and right through all pictures, up to older takes and down to newer ones.
import { knownJob } from "../api/cache.ts"
import type { Job, Picture } from "../api/types.ts"
import { type PictureAt, page } from "../state/page.ts"

let order: Job[] = []
/** The takes as they stand on the page, newest first. */
export const setOrder = (jobs: Job[]): void => {
  order = jobs
}

export function pictureAt(at: PictureAt | null): { job: Job; picture: Picture } | null {
  if (!at) return null
  const job = order.find((j) => j.id === at.job) ?? knownJob(at.job)
  const picture = job?.pictures.find((p) => p.id === at.picture)
  return job && picture ? { job, picture } : null
}

/** The next picture in reading order: through the take, then on to the newer (or older) one. */
export function neighbour(at: PictureAt, by: 1 | -1): PictureAt | null {
  const row = order.findIndex((j) => j.id === at.job)
  // Not in sight, as a picture that left the filter: nothing is beside it.
  if (row < 0) return null
  const inside = order[row]?.pictures ?? []
  const next = inside[inside.findIndex((p) => p.id === at.picture) + by]
  if (next) return { job: at.job, picture: next.id }
  for (let i = row - by; i >= 0 && i < order.length; i -= by) {
    const { id, pictures } = order[i]!
    const entry = by > 0 ? pictures[0] : pictures.at(-1)
    if (entry) return { job: id, picture: entry.id }
  }
  return null
}

/** Which picture comes after this one is gone, alone or with its whole take: the next, or at the end the one before. */
export function successor(at: PictureAt, what: "picture" | "take"): PictureAt | null {
  const pictures = order.find((j) => j.id === at.job)?.pictures ?? []
  const end = (picture: Picture | undefined): PictureAt =>
    what === "take" && picture ? { job: at.job, picture: picture.id } : at
  return neighbour(end(pictures.at(-1)), 1) ?? neighbour(end(pictures[0]), -1)
}

/** The picture above (older take) or below (newer take) at about the same place. */
export function across(at: PictureAt, by: 1 | -1): PictureAt | null {
  const row = order.findIndex((j) => j.id === at.job)
  if (row < 0) return null
  const place = order[row]?.pictures.findIndex((p) => p.id === at.picture) ?? 0
  for (let i = row - by; i >= 0 && i < order.length; i -= by) {
    const { id, pictures } = order[i]!
    const entry = pictures[Math.min(place, pictures.length - 1)]
    if (entry) return { job: id, picture: entry.id }
  }
  return null
}

let reveal: (job: string) => void = () => {}
/** How the list that is shown brings a take into sight. */
export const whenRevealed = (handler: (job: string) => void): void => {
  reveal = handler
}

/** Moves the keyboard to a picture; what covers the page has to go first, and the picture may have to be drawn. */
export function focusPicture(at: PictureAt | null): void {
  if (!at) return
  page.set({ current: at })
  let frames = 0
  let isFree = 0
  const wasCovered = document.querySelector(".over") !== null
  // A grid that is open covers the takes: its own picture is meant, and what covers that one.
  const isInGrid = page.get().surface === "grid"
  const [cover, ground] = isInGrid ? [".over:has(.look)", ".sheet"] : [".over", ".takes"]
  const find = (): void => {
    if (frames++ > 120) return
    // A closing layer gives the keyboard back to where it came from, a frame after it is gone.
    isFree = document.querySelector(cover) ? 0 : isFree + 1
    const tile = document.querySelector<HTMLElement>(`${ground} [data-picture="${at.picture}"]`)
    if (!tile && isFree > 0 && !isInGrid) reveal(at.job)
    if (!tile || isFree === 0 || (wasCovered && isFree < 3)) {
      requestAnimationFrame(find)
      return
    }
    tile.focus({ preventScroll: true })
    tile.scrollIntoView({ block: "nearest" })
  }
  find()
}
