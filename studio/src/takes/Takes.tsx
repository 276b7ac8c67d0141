// Everything ever made, newest nearest the dock: loaded page by page, drawn only where it is looked at.
import { ArrowDown, CircleAlert, LoaderCircle, SearchX } from "lucide-react"
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react"
import { isFiltered, NO_FILTER } from "../api/filter.ts"
import { useHistory } from "../api/queries.ts"
import type { Capabilities, Job } from "../api/types.ts"
import { messages, useMessages } from "../messages/index.ts"
import { say } from "../state/announce.ts"
import { page } from "../state/page.ts"
import { settings } from "../state/settings.ts"
import { useStore } from "../state/store.ts"
import { whenSubmitted } from "../state/work.ts"
import { Button } from "../ui/Button.tsx"
import { Reason } from "../ui/Reason.tsx"
import { Empty } from "./Empty.tsx"
import { setOrder, whenRevealed } from "./focus.ts"
import { measureJob, tilesHeight } from "./measure.ts"
import { useReverseList } from "./reverse.ts"
import { Take } from "./Take.tsx"
import { placesOf, Wall } from "./Wall.tsx"

const NO_JOBS: Job[] = []
/** How many takes before the end of what is loaded more are asked for. */
const AHEAD = 12

export function Takes({ capabilities }: { capabilities: Capabilities }) {
  const t = useMessages()
  const filter = useStore(page, (p) => p.filter)
  const layout = useStore(settings, (s) => s.layout)
  const history = useHistory(filter)
  const jobs = history.data?.pages.flatMap((p) => p.items) ?? NO_JOBS
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = history
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  setOrder(jobs)
  // Who goes from picture to picture meets the end of what is loaded without scrolling.
  useEffect(() => {
    const look = (): void => {
      const at = jobs.findIndex((job) => job.id === page.get().current?.job)
      if (at >= 0 && at >= jobs.length - AHEAD) more()
    }
    look()
    return page.subscribe(look)
  }, [jobs, more])
  // How many takes fit is seen at a glance, and has to be said to who does not see.
  const first = history.isPlaceholderData ? undefined : history.data?.pages[0]
  const [found, isMore] = [first?.items.length, first?.nextCursor !== null]
  useEffect(() => {
    if (found === undefined || !isFiltered(filter)) return
    say(messages().history.found(found, isMore))
  }, [filter, found, isMore])

  if (history.isPending) {
    return (
      <div className="takes-note">
        <LoaderCircle className="spin" size={20} aria-hidden />
        <p>{t.takes.loading}</p>
      </div>
    )
  }
  if (history.isError && jobs.length === 0) {
    return (
      <div className="takes-note" role="alert">
        <CircleAlert size={24} aria-hidden />
        <p>{t.takes.loadFailed}</p>
        <Reason error={history.error} />
        <Button kind="outlined" onPress={() => void history.refetch()}>
          {t.takes.tryAgain}
        </Button>
      </div>
    )
  }
  if (jobs.length === 0) {
    return isFiltered(filter) ? (
      <div className="takes-note">
        <SearchX size={24} aria-hidden />
        <h2>{t.takes.nothing}</h2>
        <p className="muted">{t.takes.nothingHint}</p>
        <Button kind="outlined" onPress={() => page.set({ filter: NO_FILTER })}>
          {t.takes.clearFilters}
        </Button>
      </div>
    ) : (
      <Empty capabilities={capabilities} />
    )
  }
  // A wall of nothing would be a blank page: what failed is told of by the takes.
  return layout === "wall" && jobs.some((job) => placesOf(job) > 0) ? (
    <Wall jobs={jobs} onMore={more} isLoading={isFetchingNextPage} />
  ) : (
    <TakeList jobs={jobs} onMore={more} isLoading={isFetchingNextPage} />
  )
}

export interface ListProps {
  jobs: Job[]
  onMore: () => void
  isLoading: boolean
}

/** Width of the column and height of the dock, in pixels, as they change. */
export function useRoom(
  container: React.RefObject<HTMLDivElement | null>,
  most: number,
): { width: number; dock: number } {
  const [room, setRoom] = useState({ width: 800, dock: 160 })
  useLayoutEffect(() => {
    const look = (): void => {
      const box = container.current
      if (!box) return
      const dock = Number.parseInt(
        document.documentElement.style.getPropertyValue("--dock-height") || "160",
        10,
      )
      const side = box.clientWidth < 640 ? 12 : 32
      const width = Math.min(most, box.clientWidth - 2 * side)
      setRoom((now) => (now.width === width && now.dock === dock ? now : { width, dock }))
    }
    const watcher = new ResizeObserver(look)
    watcher.observe(container.current!)
    addEventListener("dock-resize", look)
    look()
    return () => {
      watcher.disconnect()
      removeEventListener("dock-resize", look)
    }
  }, [container, most])
  return room
}

const HEAD = 60
/** The style sheet cannot stop a movement that is asked for by name. */
const isStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches

function TakeList({ jobs, onMore, isLoading }: ListProps) {
  const t = useMessages()
  const container = useRef<HTMLDivElement>(null)
  const { width, dock } = useRoom(container, 1120)
  const gap = useStore(settings, (s) => (s.density === "compact" ? 24 : 40))
  const list = useReverseList({
    container,
    count: jobs.length,
    keyOf: (i) => jobs[i]!.id,
    heightOf: (i) => HEAD + gap + tilesHeight(measureJob(jobs[i]!, width)),
    bottom: dock + 32,
    top: 24,
    overscan: 2,
  })
  const items = list.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= jobs.length - AHEAD) onMore()
  }, [last, jobs.length, onMore])
  useEffect(() => whenSubmitted(() => list.scrollToOffset(0)), [list])
  useEffect(
    () =>
      whenRevealed((id) => {
        const at = jobs.findIndex((j) => j.id === id)
        if (at >= 0) list.scrollToIndex(at, { align: "center" })
      }),
    [list, jobs],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights follow from these
  useEffect(() => list.measure(), [width, gap, list])
  const isAway = (list.scrollOffset ?? 0) > 600

  return (
    <>
      <div ref={container} className="takes" data-testid="takes">
        <ol className="takes-inner" aria-label={t.takes.title} style={{ height: list.getTotalSize() }}>
          {isLoading && (
            <li className="takes-more">
              <LoaderCircle className="spin" size={16} aria-label={t.takes.loading} />
            </li>
          )}
          {items.toReversed().map((item) => (
            <li
              key={item.key}
              ref={list.measureElement}
              data-index={item.index}
              className="takes-item"
              style={{ transform: `translateY(${-item.start}px)`, paddingBottom: gap, width }}
            >
              <Take job={jobs[item.index]!} width={width} isNewest={item.index === 0} />
            </li>
          ))}
        </ol>
      </div>
      {isAway && (
        <Button
          kind="outlined"
          className="to-newest"
          onPress={() => list.scrollToOffset(0, { behavior: isStill() ? "auto" : "smooth" })}
        >
          <ArrowDown size={16} aria-hidden />
          {t.takes.toNewest}
        </Button>
      )}
    </>
  )
}
