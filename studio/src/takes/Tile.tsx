// One picture of a take: waiting, coming into view, or done. Honest at every moment.
import { ArrowLeftRight, EllipsisVertical, ImageOff, Plus, Star } from "lucide-react"
import { memo, useRef, useState } from "react"
import { promptOf } from "../../../src/request/seeds.ts"
import { local, thumb } from "../api/client.ts"
import type { Job, Picture, Progress } from "../api/types.ts"
import { PICTURE_TYPE } from "../dock/files.tsx"
import { held, holdWord } from "../look/hold.ts"
import { PictureMenu } from "../look/PictureMenu.tsx"
import { useMessages } from "../messages/index.ts"
import { toggleCompared } from "../state/compared.ts"
import { openLook, page } from "../state/page.ts"
import { useStep } from "../state/steps.ts"
import { useStore } from "../state/store.ts"
import { addReference, favourite } from "../state/work.ts"
import { IconButton } from "../ui/Button.tsx"
import { across, focusPicture, neighbour } from "./focus.ts"
import { useLoading } from "./loading.ts"

interface Props {
  job: Job
  place: number
  width: number
}

/** The last preview stays beneath until the picture itself has loaded: nothing goes blank in between. */
export const Tile = memo(function Tile({ job, place, width }: Props) {
  const picture = job.pictures[place]
  const step = useStep(job.id, job.progress)
  const preview = useRef<string | null>(null)
  const [isLoaded, setLoaded] = useState(false)
  const isCompared = useStore(page, (p) => p.compared.some((c) => c.picture === picture?.id))
  // The last step's preview is gone when the picture is there; the one before it will do.
  const isLast = step !== null && step.step === step.steps
  preview.current = isLoaded ? null : ((isLast ? null : step?.previews[place]) ?? preview.current)
  return (
    <div
      className={picture ? "tile" : "tile coming"}
      data-state={job.state}
      data-compared={isCompared || undefined}
    >
      {preview.current && <img className="tile-preview" src={local(preview.current)} alt="" />}
      {picture ? (
        <Done
          job={job}
          picture={picture}
          width={width}
          isCompared={isCompared}
          onLoad={() => setLoaded(true)}
        />
      ) : (
        <Coming state={job.state} step={step} hasPreview={preview.current !== null} />
      )}
    </div>
  )
})

/** Widths in which thumbnails are asked for: few, so that the browser's cache serves most. */
const WIDTHS = [320, 640, 1024, 2048]
export const thumbWidth = (width: number): number =>
  WIDTHS.find((w) => w >= width * Math.min(2, devicePixelRatio)) ?? 2048

interface ComingProps {
  state: Job["state"]
  step: Progress | null
  hasPreview: boolean
}

function Coming({ state, step, hasPreview }: ComingProps) {
  const t = useMessages()
  return (
    <>
      <span className="tile-word" data-over={hasPreview || undefined}>
        {step ? t.takes.step(step.step, step.steps) : t.states[state]}
      </span>
      {step && (
        <span className="tile-progress" aria-hidden>
          <i style={{ transform: `scaleX(${step.step / step.steps})` }} />
        </span>
      )}
    </>
  )
}

export const arrowKeys: Record<
  string,
  (at: { job: string; picture: string }) => ReturnType<typeof neighbour>
> = {
  ArrowRight: (at) => neighbour(at, 1),
  ArrowLeft: (at) => neighbour(at, -1),
  ArrowUp: (at) => across(at, -1),
  ArrowDown: (at) => across(at, 1),
}

interface DoneProps {
  job: Job
  picture: Picture
  width: number
  isCompared: boolean
  onLoad: () => void
}

function Done({ job, picture, width, isCompared, onLoad }: DoneProps) {
  const t = useMessages()
  const at = { job: job.id, picture: picture.id }
  const { isBroken, onError } = useLoading()
  // Buttons are made when the tile is pointed at or has the keyboard: a long history scrolls without them.
  const [isMet, setMet] = useState(false)
  const src = thumb(picture, thumbWidth(width))
  const bare = useStore(held, (h) => (h.now?.picture === picture.id ? h.now : null))
  const name = t.takes.picture(promptOf(job.request, picture.seed), picture.place + 1)
  const isGone = picture.expired || isBroken
  return (
    <>
      <button
        type="button"
        className="tile-open"
        data-picture={picture.id}
        aria-label={isGone ? `${name}: ${picture.expired ? t.takes.expired : t.takes.missing}` : name}
        onFocus={() => {
          setMet(true)
          page.set({ current: at })
        }}
        onPointerEnter={(e) => {
          if (e.pointerType !== "mouse") return
          setMet(true)
          page.set({ current: at })
        }}
        onClick={() => openLook(at)}
        onKeyDown={(e) => {
          const next = arrowKeys[e.key]?.(at)
          // In a sheet of a grid another picture stands beside it than in the takes.
          if (next === undefined || e.currentTarget.closest(".sheet")) return
          e.preventDefault()
          focusPicture(next)
        }}
        draggable={!isGone}
        onDragStart={(e) => {
          e.dataTransfer.setData(PICTURE_TYPE, JSON.stringify({ id: picture.id, thumb: thumb(picture, 320) }))
          e.dataTransfer.effectAllowed = "copy"
        }}
      >
        {isGone ? (
          <span className="tile-gone">
            <ImageOff size={18} aria-hidden />
            {picture.expired ? t.takes.expired : t.takes.missing}
          </span>
        ) : (
          <img
            src={bare?.url ?? src}
            alt=""
            decoding="async"
            draggable={false}
            onLoad={onLoad}
            onError={onError}
          />
        )}
      </button>
      {bare && (
        <span className="tile-word" role="status" data-over>
          {holdWord(bare, t)}
        </span>
      )}
      {picture.favourite && <Star className="tile-star" size={14} aria-label={t.picture.favourite} />}
      {isMet && !isGone && (
        <div className="tile-actions">
          <IconButton
            className="small star"
            label={picture.favourite ? t.picture.unfavourite : t.picture.favourite}
            data-on={picture.favourite || undefined}
            onPress={() => void favourite(picture)}
          >
            <Star size={14} />
          </IconButton>
          <IconButton
            className="small"
            label={t.picture.asReference}
            onPress={() => addReference(picture.id, thumb(picture, 320))}
          >
            <Plus size={14} />
          </IconButton>
          <IconButton
            className="small"
            label={t.picture.compare}
            pressed={isCompared}
            onPress={() => toggleCompared(at)}
          >
            <ArrowLeftRight size={14} />
          </IconButton>
          <PictureMenu
            job={job}
            picture={picture}
            button={
              <IconButton className="small" label={t.picture.actions}>
                <EllipsisVertical size={14} />
              </IconButton>
            }
          />
        </div>
      )}
    </>
  )
}
