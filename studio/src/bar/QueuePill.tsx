// The queue in one word and a number; pressing it opens the list.
import { ListOrdered, LoaderCircle, Pause } from "lucide-react"
import { useQueue } from "../api/queries.ts"
import { useMessages } from "../messages/index.ts"
import { page } from "../state/page.ts"
import { Button } from "../ui/Button.tsx"
import { clock } from "../ui/words.ts"

export function QueuePill() {
  const { queue: t } = useMessages()
  const queue = useQueue().data
  const isOn = Boolean(queue && (queue.running.length > 0 || queue.waiting.length > 0 || queue.paused))
  const seconds = queue?.waiting.at(-1)?.secondsLeft ?? null
  const waiting = queue?.waiting.length ?? 0
  const word = queue?.paused ? t.paused : queue?.running.length ? t.working : t.title
  return (
    <Button
      className="queue-pill"
      aria-label={`${t.title}: ${isOn ? `${word}, ${t.pill(waiting)}` : t.pill(0)}`}
      onPress={() => page.set({ panel: "queue" })}
    >
      {queue?.paused ? (
        <Pause size={16} aria-hidden />
      ) : isOn ? (
        <LoaderCircle size={16} className="spin" aria-hidden />
      ) : (
        <ListOrdered size={16} aria-hidden />
      )}
      <span className="wide-only">{word}</span>
      {waiting > 0 && (
        <span className="value">
          {waiting}
          {seconds !== null && <span className="wide-only"> · {clock(seconds)}</span>}
        </span>
      )}
    </Button>
  )
}
