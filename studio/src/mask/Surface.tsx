// The start picture with its mask over it, to be painted on.
import { type CSSProperties, useEffect, useId, useRef } from "react"
import { useMessages } from "../messages/index.ts"
import { useStore } from "../state/store.ts"
import { brush, tool } from "./brush.ts"
import { makeCanvas } from "./canvas.ts"
import { drawOver, type Over } from "./overlay.ts"
import type { Painting } from "./painting.ts"
import { type Part, union } from "./parts.ts"
import { useBrush } from "./useBrush.ts"

/** In CSS pixels. */
const LINE = 1.25

export function Surface({ painting, picture }: { painting: Painting; picture: string }) {
  const { mask: t } = useMessages()
  const hint = useId()
  const canvas = useRef<HTMLCanvasElement>(null)
  const ring = useRef<HTMLElement>(null)
  const size = useStore(brush, (b) => b.size)
  const inHand = useStore(tool, (now) => now.now)
  useShown(canvas, painting)
  const handlers = useBrush(painting, ring)
  // The layer is there to be painted in: the keyboard begins there too.
  useEffect(() => canvas.current?.focus(), [])
  const { width, height } = painting.canvas
  const style = {
    "--aspect": width / height,
    "--brush": `${(size * Math.max(width, height)) / width}%`,
  } as CSSProperties
  return (
    <div className="mask-stage">
      <div className="mask-frame" style={style} data-tool={inHand}>
        <img src={picture} alt="" draggable={false} />
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: so that screen readers leave it its keys */}
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={t.canvas}
          aria-describedby={hint}
          {...handlers}
        />
        <div className="mask-rings" aria-hidden>
          <i ref={ring} className="mask-ring" />
        </div>
      </div>
      <span id={hint} className="visually-hidden">
        {t.canvasHint}
      </span>
    </div>
  )
}

/** Keeps the canvas as large as it is on the screen, and what it shows up to date, a frame's changes at a time. */
function useShown(canvas: React.RefObject<HTMLCanvasElement | null>, painting: Painting): void {
  useEffect(() => {
    const shown = canvas.current!.getContext("2d")!
    const whole: Part = { x: 0, y: 0, width: painting.canvas.width, height: painting.canvas.height }
    let over: Over | null = null
    let changed: Part | null = null
    let frame = 0
    const draw = (): void => {
      frame = 0
      if (over && changed) drawOver(over, painting.canvas, changed)
      changed = null
    }
    const change = (part: Part): void => {
      changed = union(changed, part)
      frame ||= requestAnimationFrame(draw)
    }
    const watcher = new ResizeObserver(([entry]) => {
      const density = Math.min(2, devicePixelRatio)
      const { width, height } = entry!.contentRect
      const size = { width: Math.ceil(width * density), height: Math.ceil(height * density) }
      if (size.width === 0 || size.height === 0) return
      Object.assign(shown.canvas, size)
      over = { shown, scratch: makeCanvas(size.width, size.height), line: LINE * density }
      // In the same frame: a canvas that changes its size is empty.
      changed = whole
      draw()
    })
    watcher.observe(shown.canvas)
    const leave = painting.follow(change)
    return () => {
      leave()
      watcher.disconnect()
      cancelAnimationFrame(frame)
    }
  }, [canvas, painting])
}
