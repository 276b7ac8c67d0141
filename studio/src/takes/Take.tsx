// One take: what was asked, what it gave, and what can be done with it.
import {
  Copy,
  Dices,
  EllipsisVertical,
  Info,
  LoaderCircle,
  RefreshCw,
  RotateCcw,
  Sprout,
  Trash2,
  Undo2,
  X,
} from "lucide-react"
import { type CSSProperties, memo } from "react"
import { isOver } from "../api/cache.ts"
import { usePlace } from "../api/queries.ts"
import type { Job } from "../api/types.ts"
import { levelOf } from "../dock/Creativity.tsx"
import { type Messages, useMessages } from "../messages/index.ts"
import { openLook } from "../state/page.ts"
import { useStep } from "../state/steps.ts"
import { again, cancel, capabilities, recall, removeTake, retry } from "../state/work.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Menus } from "../ui/overlays.tsx"
import { Reason } from "../ui/Reason.tsx"
import { clock, modelName, shapeName } from "../ui/words.ts"
import { isStrip, measureJob } from "./measure.ts"
import { Tile } from "./Tile.tsx"

interface Props {
  job: Job
  width: number
  isNewest: boolean
}

export const Take = memo(function Take({ job, width, isNewest }: Props) {
  const t = useMessages()
  const m = measureJob(job, width)
  const isBroken = job.state === "failed" || job.state === "cancelled"
  const style = { "--tile-width": `${m.width}px`, "--tile-height": `${m.height}px` } as CSSProperties
  return (
    <article
      className="take"
      aria-label={t.takes.label(job.request.prompt)}
      data-state={job.state}
      data-newest={isNewest || undefined}
      data-job={job.id}
    >
      <header className="take-head">
        <div className="grow">
          <h2 className="take-prompt" dir="auto" title={job.request.prompt}>
            {job.request.prompt || <span className="muted">{t.takes.untitled}</span>}
          </h2>
          <p className="take-facts">
            {facts(job, t).map((fact, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two facts may read the same
              <span key={i}>{fact}</span>
            ))}
          </p>
        </div>
        <Actions job={job} />
      </header>
      {isBroken ? (
        <Broken job={job} />
      ) : (
        <div className="tiles" data-strip={isStrip(job) || undefined} style={style}>
          {Array.from(
            { length: job.state === "completed" ? job.pictures.length : job.request.count },
            (_, i) => (
              <Tile key={`${job.id}-${job.pictures[i]?.place ?? i}`} job={job} place={i} width={m.width} />
            ),
          )}
        </div>
      )}
    </article>
  )
})

/** The facts of a take in a few words: level, shape, seed, references and the rest only when they were asked for. */
function facts(job: Job, t: Messages): string[] {
  const { request: r } = job
  const known = capabilities()
  const models = known?.models ?? []
  const model = models.find((m) => m.name === r.model)
  const word = t.creativity.levels[levelOf(r.creativity, known?.creativity ?? {})]
  // Beside a model of the same word it has to say whose it is.
  const level = models.length > 1 ? t.takes.level(word.toLowerCase()) : word
  const isExact = Object.values(known?.creativity ?? {}).includes(r.creativity)
  return [
    ...(models.length > 1 ? [model ? modelName(model, models, t) : r.model] : []),
    isExact ? level : `${level} ${r.creativity}`,
    shapeName(r, known),
    ...(r.seed === null ? [] : [t.takes.seed(r.seed)]),
    ...(r.variationOf?.length ? [t.takes.variation(r.variationOf.at(-1)!.seed)] : []),
    ...(r.references.length ? [t.takes.references(r.references.length)] : []),
    ...(r.board ? [t.takes.board] : []),
    ...(r.start ? [r.start.mask ? t.takes.startMasked : t.takes.startImage] : []),
  ]
}

function Actions({ job }: { job: Job }) {
  const t = useMessages()
  const { takes } = t
  if (!isOver(job.state)) return <Waiting job={job} />
  const details = job.pictures[0]
  return (
    <div className="take-actions">
      <Button onPress={() => void again(job)}>
        <RefreshCw size={14} aria-hidden />
        {takes.again}
      </Button>
      <Button onPress={() => recall(job, "all")}>
        <Copy size={14} aria-hidden />
        {takes.useAll}
      </Button>
      <Menus
        label={takes.more}
        button={
          <IconButton label={takes.more}>
            <EllipsisVertical size={16} />
          </IconButton>
        }
        groups={[
          [
            { id: "remix", label: takes.remix, icon: <Dices size={16} />, run: () => recall(job, "remix") },
            {
              id: "prompt",
              label: takes.reusePrompt,
              icon: <Undo2 size={16} />,
              run: () => recall(job, "prompt"),
            },
            {
              id: "seed",
              label: takes.reuseSeed,
              icon: <Sprout size={16} />,
              run: () => recall(job, "seed"),
            },
          ],
          details
            ? [
                {
                  id: "details",
                  label: takes.details,
                  icon: <Info size={16} />,
                  run: () => openLook({ job: job.id, picture: details.id }),
                },
              ]
            : [],
          [
            {
              id: "delete",
              label: takes.delete,
              icon: <Trash2 size={16} />,
              danger: true,
              run: () => void removeTake(job.id),
            },
          ],
        ]}
      />
    </div>
  )
}

/** The state in the API's word, the place and the time, and the way to stop it. */
function Waiting({ job }: { job: Job }) {
  const t = useMessages()
  const isWaiting = job.state === "queued" || job.state === "backlogged"
  const place = usePlace(job.id, isWaiting)
  const step = useStep(job.id, job.progress)
  const seconds = isWaiting ? (place?.secondsLeft ?? null) : (step?.secondsLeft ?? null)
  const words = [
    t.states[job.state],
    ...(isWaiting && place ? [t.takes.place(place.place)] : []),
    ...(!isWaiting && step ? [t.takes.stepLong(step.step, step.steps)] : []),
    ...(seconds === null ? [] : [t.takes.left(clock(seconds))]),
  ]
  return (
    <div className="take-waiting">
      {!isWaiting && <LoaderCircle className="spin" size={14} aria-hidden />}
      <span className="take-state">{words.join(" · ")}</span>
      <Button onPress={() => void cancel(job.id)}>
        <X size={14} aria-hidden />
        {t.takes.cancel}
      </Button>
    </div>
  )
}

function Broken({ job }: { job: Job }) {
  const t = useMessages()
  const isFailed = job.state === "failed"
  return (
    <div className="broken" data-failed={isFailed || undefined}>
      <div className="grow">
        <b>{t.states[job.state]}</b>
        {isFailed && job.error && <Reason error={job.error} />}
      </div>
      <Button kind="outlined" onPress={() => void retry(job.id)}>
        <RotateCcw size={14} aria-hidden />
        {t.takes.retry}
      </Button>
    </div>
  )
}
