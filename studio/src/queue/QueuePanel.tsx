// The queue: what runs, what waits and in which order. Everything that can be dragged has buttons too.
import { ArrowDown, ArrowUp, ChevronsUp, GripVertical, Pause, Play, X } from "lucide-react"
import { keys, queries } from "../api/cache.ts"
import { call } from "../api/client.ts"
import { useQueue } from "../api/queries.ts"
import type { Job, Queue } from "../api/types.ts"
import { togglePause } from "../keys/actions.ts"
import { useMessages } from "../messages/index.ts"
import { say } from "../state/announce.ts"
import { complain, page, toast } from "../state/page.ts"
import { useStep } from "../state/steps.ts"
import { cancel, capabilities } from "../state/work.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Over } from "../ui/overlays.tsx"
import { useReorder } from "../ui/reorder.ts"
import { clock, shapeName } from "../ui/words.ts"

export default function QueuePanel() {
  const t = useMessages()
  const queue = useQueue().data
  const waiting = queue?.waiting ?? []
  const running = queue?.running ?? []
  const close = (): void => page.set({ panel: null })

  /** Shown at once in its new place; the server's answer puts it right if it disagrees. */
  const move = async (from: number, to: number): Promise<void> => {
    if (!queue || to < 0 || to >= waiting.length || from === to) return
    const moved = waiting.toSpliced(from, 1).toSpliced(to, 0, waiting[from]!)
    queries.setQueryData<Queue>(keys.queue, {
      ...queue,
      waiting: moved.map((w, i) => ({ ...w, place: i + 1 })),
    })
    const beside = to < from ? { before: waiting[to]!.job.id } : { after: waiting[to]!.job.id }
    const body = to === 0 ? { to: "front" } : to === waiting.length - 1 ? { to: "back" } : beside
    await call("POST", `api/jobs/${waiting[from]!.job.id}/move`, body).catch(complain)
    say(t.queue.moved(to + 1))
    void queries.invalidateQueries({ queryKey: keys.queue })
  }
  const reorder = useReorder((from, to) => void move(from, to))
  const cancelAll = async (): Promise<void> => {
    const answer = await call<{ cancelled: number }>("POST", "api/queue/cancel").catch(complain)
    if (answer) toast(t.queue.cancelled(answer.cancelled))
  }

  return (
    <Over label={t.queue.title} as="side" onClose={close}>
      <header className="panel-head">
        <h2>{t.queue.title}</h2>
        <IconButton label={t.queue.close} onPress={close}>
          <X size={18} />
        </IconButton>
      </header>
      <div className="row panel-tools">
        <Button kind="outlined" onPress={togglePause}>
          {queue?.paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
          {queue?.paused ? t.queue.resume : t.queue.pause}
        </Button>
        <Button
          kind="outlined"
          isDisabled={running.length + waiting.length === 0}
          onPress={() => void cancelAll()}
        >
          {t.queue.cancelAll}
        </Button>
      </div>
      {running.length + waiting.length === 0 && (
        <div className="panel-empty">
          <p>{queue?.paused ? t.queue.paused : t.queue.empty}</p>
          <p className="small muted">{t.queue.emptyHint}</p>
        </div>
      )}
      {running.length > 0 && (
        <section>
          <h3 className="panel-group">{t.queue.running}</h3>
          <ul>
            {running.map((job) => (
              <RunningRow key={job.id} job={job} />
            ))}
          </ul>
        </section>
      )}
      {waiting.length > 0 && (
        <section>
          <h3 className="panel-group">{t.queue.waiting}</h3>
          <ol data-testid="waiting">
            {waiting.map(({ job, place, secondsLeft }, i) => (
              <li key={job.id} className="queue-row" {...reorder(i)}>
                <GripVertical size={14} className="grip" aria-hidden />
                <span className="queue-place">{place}</span>
                <div className="grow">
                  <p className="queue-prompt">{job.request.prompt || t.takes.untitled}</p>
                  <p className="small muted">
                    {[
                      t.states[job.state],
                      ...(secondsLeft === null ? [] : [t.takes.left(clock(secondsLeft))]),
                      `×${job.request.count}`,
                    ].join(" · ")}
                  </p>
                </div>
                <div className="queue-buttons">
                  <IconButton
                    className="small"
                    label={t.queue.front}
                    isDisabled={i === 0}
                    onPress={() => void move(i, 0)}
                  >
                    <ChevronsUp size={14} />
                  </IconButton>
                  <IconButton
                    className="small"
                    label={t.queue.up}
                    isDisabled={i === 0}
                    onPress={() => void move(i, i - 1)}
                  >
                    <ArrowUp size={14} />
                  </IconButton>
                  <IconButton
                    className="small"
                    label={t.queue.down}
                    isDisabled={i === waiting.length - 1}
                    onPress={() => void move(i, i + 1)}
                  >
                    <ArrowDown size={14} />
                  </IconButton>
                  <IconButton className="small" label={t.queue.cancel} onPress={() => void cancel(job.id)}>
                    <X size={14} />
                  </IconButton>
                </div>
              </li>
            ))}
          </ol>
        </section>
      )}
    </Over>
  )
}

function RunningRow({ job }: { job: Job }) {
  const t = useMessages()
  const step = useStep(job.id, job.progress)
  const share = step ? step.step / step.steps : 0
  return (
    <li className="queue-row">
      <div className="grow">
        <p className="queue-prompt">{job.request.prompt || t.takes.untitled}</p>
        <p className="small muted">
          {[
            t.states[job.state],
            ...(step ? [t.takes.stepLong(step.step, step.steps)] : []),
            shapeName(job.request, capabilities()),
            `×${job.request.count}`,
          ].join(" · ")}
        </p>
        <span className="queue-bar" aria-hidden>
          <i style={{ transform: `scaleX(${share})` }} />
        </span>
      </div>
      <IconButton className="small" label={t.queue.cancel} onPress={() => void cancel(job.id)}>
        <X size={14} />
      </IconButton>
    </li>
  )
}
