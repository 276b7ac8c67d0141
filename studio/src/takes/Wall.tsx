// All pictures without their takes, row by row at true shape: for looking rather than for working.
import { useEffect, useMemo, useRef } from "react"
import { isOver } from "../api/cache.ts"
import type { Job } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { whenSubmitted } from "../state/work.ts"
import { whenRevealed } from "./focus.ts"
import { useReverseList } from "./reverse.ts"
import type { ListProps } from "./Takes.tsx"
import { useRoom } from "./Takes.tsx"
import { Tile } from "./Tile.tsx"

interface Entry {
  job: Job
  place: number
  aspect: number
}
interface Row {
  key: string
  height: number
  entries: Entry[]
}

const GAP = 8

/** How many places a take has here: what failed has none, what is not over has all that it is to fill. */
export const placesOf = ({ state, pictures, request }: Job): number =>
  isOver(state) ? pictures.length : request.count

/** Newest first; a row is closed when it is low enough, and then fills its width exactly. */
export function rowsOf(jobs: readonly Job[], width: number, wanted: number): Row[] {
  const rows: Row[] = []
  let entries: Entry[] = []
  let sum = 0
  const close = (isLast: boolean): void => {
    if (entries.length === 0) return
    const fitting = (width - GAP * (entries.length - 1)) / sum
    rows.push({
      key: `${entries[0]!.job.id}-${entries[0]!.place}`,
      height: isLast ? Math.min(wanted, fitting) : fitting,
      entries,
    })
    entries = []
    sum = 0
  }
  for (const job of jobs) {
    for (let place = 0; place < placesOf(job); place++) {
      const { width: w, height: h } = job.pictures[place] ?? job.request
      const aspect = w / h
      entries.push({ job, place, aspect })
      sum += aspect
      if ((width - GAP * (entries.length - 1)) / sum <= wanted) close(false)
    }
  }
  close(true)
  return rows
}

export function Wall({ jobs, onMore }: ListProps) {
  const t = useMessages()
  const container = useRef<HTMLDivElement>(null)
  const { width, dock } = useRoom(container, 2400)
  const wanted = width < 560 ? 150 : 220
  const rows = useMemo(() => rowsOf(jobs, width, wanted), [jobs, width, wanted])
  const list = useReverseList({
    container,
    count: rows.length,
    keyOf: (i) => rows[i]!.key,
    heightOf: (i) => rows[i]!.height + GAP,
    bottom: dock + 32,
    top: 24,
    overscan: 3,
  })
  const items = list.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= rows.length - 8) onMore()
  }, [last, rows.length, onMore])
  useEffect(() => whenSubmitted(() => list.scrollToOffset(0)), [list])
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights follow from the rows
  useEffect(() => list.measure(), [rows, list])
  useEffect(
    () =>
      whenRevealed((id) => {
        const at = rows.findIndex((row) => row.entries.some((e) => e.job.id === id))
        if (at >= 0) list.scrollToIndex(at, { align: "center" })
      }),
    [list, rows],
  )
  return (
    <div ref={container} className="takes" data-testid="wall">
      <ol className="takes-inner" aria-label={t.history.wall} style={{ height: list.getTotalSize() }}>
        {items.toReversed().map((item) => {
          const row = rows[item.index]!
          return (
            <li
              key={item.key}
              className="takes-item wall-row"
              style={{ transform: `translateY(${-item.start}px)`, width, height: row.height + GAP }}
            >
              {row.entries.map((e) => (
                <div
                  key={`${e.job.id}-${e.place}`}
                  className="wall-cell"
                  style={{ width: row.height * e.aspect, height: row.height }}
                >
                  <Tile job={e.job} place={e.place} width={row.height * e.aspect} />
                </div>
              ))}
            </li>
          )
        })}
      </ol>
    </div>
  )
}
