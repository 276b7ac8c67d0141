// A virtual list that grows upwards: place 0 at the bottom edge, nearest the dock. The scroll container is a
// reversed column, whose scrollTop is 0 at the bottom and negative above, so nothing jumps when takes arrive.
import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual"
import type { RefObject } from "react"

type List = Virtualizer<HTMLDivElement, HTMLElement>

interface Options {
  container: RefObject<HTMLDivElement | null>
  count: number
  keyOf: (index: number) => string
  heightOf: (index: number) => number
  bottom: number
  top: number
  overscan: number
}

export const useReverseList = (o: Options): List =>
  useVirtualizer<HTMLDivElement, HTMLElement>({
    count: o.count,
    getScrollElement: () => o.container.current,
    getItemKey: o.keyOf,
    estimateSize: o.heightOf,
    overscan: o.overscan,
    paddingStart: o.bottom,
    paddingEnd: o.top,
    observeElementOffset(list, tell) {
      const element = list.scrollElement
      if (!element) return
      const moved = (isScrolling: boolean) => (): void => tell(Math.max(0, -element.scrollTop), isScrolling)
      const [scroll, end] = [moved(true), moved(false)]
      end()
      element.addEventListener("scroll", scroll, { passive: true })
      element.addEventListener("scrollend", end, { passive: true })
      return () => {
        element.removeEventListener("scroll", scroll)
        element.removeEventListener("scrollend", end)
      }
    },
    scrollToFn(offset, { adjustments = 0, behavior }, list) {
      list.scrollElement?.scrollTo({ top: -(offset + adjustments), ...(behavior ? { behavior } : {}) })
    },
  })
