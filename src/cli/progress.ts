// A bar with the time left, redrawn in place on a terminal; silent where nobody watches.
import type { Progress } from "../request/engine.ts"

const WIDTH = 24

export function progressLine({ step, steps, secondsLeft }: Progress): string {
  const done = Math.round((WIDTH * step) / steps)
  const left = secondsLeft === null ? "" : `, ${duration(secondsLeft)} left`
  return `${"#".repeat(done)}${"-".repeat(WIDTH - done)} step ${step} of ${steps}${left}`
}

export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 90) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`
}

export interface Bar {
  show(progress: Progress): void
  clear(): void
}

export function bar(terminal: boolean, write: (text: string) => void): Bar {
  if (!terminal) return { show() {}, clear() {} }
  // Carriage return and "erase to the end of the line": the bar leaves nothing behind.
  return {
    show: (progress) => write(`\r\u001b[K${progressLine(progress)}`),
    clear: () => write("\r\u001b[K"),
  }
}
