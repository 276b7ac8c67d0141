// The queue: what runs, what waits and in which order. Everything that can be dragged has buttons too.
import { ArrowDown, ArrowUp, ChevronsUp, GripVertical, Moon, Pause, Play, Sun, X } from "lucide-react"
import type { HTMLAttributes } from "react"
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

type Waiting = Queue["waiting"][number]

/** Priority of the background lane, the one that low-priority requests of the API have too. */
const BACKGROUND = -10
const isBackground = (w: Waiting): boolean => w.job.priority < 0

export default function QueuePanel() {
  const t = useMessages()
  const queue = useQueue().data
  const waiting = queue?.waiting ?? []
  const running = queue?.running ?? []
  const close = (): void => page.set({ panel: null })

  /** Shown at once in its new place; the server's answer puts it right if it disagrees. */
  const move = async (from: number, to: number): Promise<void> => {
    if (!queue || to < 0 || to >= waiting.length || from === to) return
    const [me, neighbour] = [waiting[from]!, waiting[to]!]
    const lane = { ...me, job: { ...me.job, priority: neighbour.job.priority } }
    const moved = waiting.toSpliced(from, 1).toSpliced(to, 0, lane)
    queries.setQueryData<Queue>(keys.queue, {
      ...queue,
      waiting: moved.map((w, i) => ({ ...w, place: i + 1 })),
    })
    // Always beside a neighbour: so it also takes that one's lane. "back" would keep its own.
    const beside = to < from ? { before: neighbour.job.id } : { after: neighbour.job.id }
    await call("POST", `api/jobs/${me.job.id}/move`, to === 0 ? { to: "front" } : beside).then(
      () => say(t.queue.moved(to + 1)),
      complain,
    )
    void queries.invalidateQueries({ queryKey: keys.queue })
  }
  const changeLane = async (w: Waiting): Promise<void> => {
    const priority = isBackground(w) ? 0 : BACKGROUND
    await call("PATCH", `api/jobs/${w.job.id}`, { priority }).then(
      () => say(priority < 0 ? t.queue.inBackground : t.queue.inForeground),
      complain,
    )
    void queries.invalidateQueries({ queryKey: keys.queue })
  }
  const reorder = useReorder(
    waiting.map((w) => w.job.id),
    (from, to) => void move(from, to),
  )
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
      {[false, true].map((background) => {
        const lane = waiting.flatMap((w, i) => (isBackground(w) === background ? [{ w, i }] : []))
        return (
          lane.length > 0 && (
            <section key={String(background)}>
              <h3 className="panel-group">{background ? t.queue.background : t.queue.waiting}</h3>
              {background && <p className="panel-line small muted">{t.queue.backgroundLine}</p>}
              <ol data-testid={background ? "background" : "waiting"}>
                {lane.map(({ w, i }) => (
                  <WaitingRow
                    key={w.job.id}
                    waiting={w}
                    index={i}
                    last={waiting.length - 1}
                    reorder={reorder(w.job.id)}
                    onMove={(to) => void move(i, to)}
                    onLane={() => void changeLane(w)}
                  />
                ))}
              </ol>
            </section>
          )
        )
      })}
    </Over>
  )
}

interface WaitingRowProps {
  waiting: Waiting
  index: number
  last: number
  reorder: HTMLAttributes<HTMLElement>
  onMove: (to: number) => void
  onLane: () => void
}

function WaitingRow({ waiting, index, last, reorder, onMove, onLane }: WaitingRowProps) {
  const t = useMessages()
  const { job, place, secondsLeft } = waiting
  const background = isBackground(waiting)
  return (
    <li className="queue-row" {...reorder}>
      <GripVertical size={14} className="grip" aria-hidden />
      <span className="queue-place">{place}</span>
      <div className="grow">
        <p className="queue-prompt" dir="auto">
          {job.request.prompt || t.takes.untitled}
        </p>
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
          isDisabled={index === 0}
          onPress={() => onMove(0)}
        >
          <ChevronsUp size={14} />
        </IconButton>
        <IconButton
          className="small"
          label={t.queue.up}
          isDisabled={index === 0}
          onPress={() => onMove(index - 1)}
        >
          <ArrowUp size={14} />
        </IconButton>
        <IconButton
          className="small"
          label={t.queue.down}
          isDisabled={index === last}
          onPress={() => onMove(index + 1)}
        >
          <ArrowDown size={14} />
        </IconButton>
        <IconButton
          className="small"
          label={background ? t.queue.toForeground : t.queue.toBackground}
          onPress={onLane}
        >
          {background ? <Sun size={14} /> : <Moon size={14} />}
        </IconButton>
        <IconButton className="small" label={t.queue.cancel} onPress={() => void cancel(job.id)}>
          <X size={14} />
        </IconButton>
      </div>
    </li>
  )
}

function RunningRow({ job }: { job: Job }) {
  const t = useMessages()
  const step = useStep(job.id, job.progress)
  const share = step ? step.step / step.steps : 0
  return (
    <li className="queue-row">
      <div className="grow">
        <p className="queue-prompt" dir="auto">
          {job.request.prompt || t.takes.untitled}
        </p>
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
