// Looking closely: one picture on a neutral ground, its facts at the side. What is not the picture fades away.
import {
  ArrowLeftRight,
  ChevronLeft,
  ChevronRight,
  EllipsisVertical,
  Eye,
  ImageOff,
  PanelRight,
  Plus,
  Shuffle,
  Star,
  X,
} from "lucide-react"
import { useEffect, useState } from "react"
import { promptOf } from "../../../src/request/seeds.ts"
import { local, thumb } from "../api/client.ts"
import { useJob } from "../api/queries.ts"
import type { Picture } from "../api/types.ts"
import { keyOf, shown } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { toggleCompared } from "../state/compared.ts"
import { closeLook, page } from "../state/page.ts"
import { settings } from "../state/settings.ts"
import { useStore } from "../state/store.ts"
import { addReference, favourite, vary } from "../state/work.ts"
import { focusPicture, neighbour } from "../takes/focus.ts"
import { useLoading } from "../takes/loading.ts"
import { arrowKeys } from "../takes/Tile.tsx"
import { Button, IconButton } from "../ui/Button.tsx"
import { Over } from "../ui/overlays.tsx"
import { held, holdWord, startHold, stopHold } from "./hold.ts"
import { Inspector } from "./Inspector.tsx"
import { PictureMenu } from "./PictureMenu.tsx"
import { useSwipe } from "./swipe.ts"

const REST_MS = 2500

/** True after a while without a movement of the pointer or a key. */
function useRest(): boolean {
  const [isResting, setResting] = useState(false)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    const wake = (): void => {
      setResting(false)
      clearTimeout(timer)
      timer = setTimeout(() => setResting(true), REST_MS)
    }
    wake()
    const events = ["pointermove", "pointerdown", "keydown", "focusin"] as const
    for (const name of events) addEventListener(name, wake)
    return () => {
      clearTimeout(timer)
      for (const name of events) removeEventListener(name, wake)
    }
  }, [])
  return isResting
}

interface ShownProps {
  url: string
  name: string
  picture: Picture
  onPress: () => void
}

function Shown({ url, name, picture, onPress }: ShownProps) {
  const { takes: t } = useMessages()
  const { isBroken, onError } = useLoading()
  if (picture.expired || isBroken) {
    const word = picture.expired ? t.expired : t.missing
    return (
      <p className="tile-gone" role="img" aria-label={`${name}: ${word}`}>
        <ImageOff size={20} aria-hidden />
        {word}
      </p>
    )
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: zooming has a button of its own below
    <img
      src={url}
      alt={name}
      width={picture.width}
      height={picture.height}
      onClick={onPress}
      onError={onError}
    />
  )
}

export default function Look() {
  const t = useMessages()
  const at = useStore(page, (p) => p.current)
  const hasInspector = useStore(settings, (s) => s.inspector)
  const now = useStore(held, (h) => h.now)
  const asked = useJob(at?.job ?? null)
  const job = asked.data?.deletedAt === null ? asked.data : undefined
  const picture = job?.pictures.find((p) => p.id === at?.picture)
  const isResting = useRest()
  const [isActual, setActual] = useState(false)
  const close = (): void => {
    closeLook()
    // The keyboard goes to the picture that was looked at last.
    focusPicture(page.get().current)
  }
  const go = (by: 1 | -1): void => {
    const next = at && neighbour(at, by)
    if (next) page.set({ current: next })
  }
  const swipe = useSwipe(go, close)
  useEffect(() => {
    const turn = (e: KeyboardEvent): void => {
      const step = arrowKeys[e.key]
      const here = page.get().current
      if (!step || !here || (e.target as HTMLElement).closest("input, select, pre, [role=menu]")) return
      e.preventDefault()
      const next = step(here)
      if (next) page.set({ current: next })
    }
    addEventListener("keydown", turn)
    return () => removeEventListener("keydown", turn)
  }, [])
  // Deleted elsewhere: a surface that shows nothing would keep the page's keys for itself.
  const isGone = !picture && !asked.isFetching
  useEffect(() => {
    if (isGone) closeLook()
  }, [isGone])
  if (!at || !job || !picture) return null

  const bare = now?.picture === picture.id ? now : null
  const url = bare?.state === "ready" && bare.url ? bare.url : local(picture.url)
  const canHold = job.request.references.length > 0 || job.request.board !== null
  return (
    <Over label={t.look.title} as="whole" onClose={close}>
      <div className="look" data-resting={isResting || undefined}>
        <div className="look-stage" {...(isActual ? {} : swipe)}>
          <div className="look-bar chrome">
            <p className="look-prompt" dir="auto">
              {promptOf(job.request, picture.seed)}
            </p>
            <IconButton
              className="star"
              label={picture.favourite ? t.picture.unfavourite : t.picture.favourite}
              hint={`${t.picture.favourite} (${shown(keyOf("favourite"))})`}
              data-on={picture.favourite || undefined}
              onPress={() => void favourite(picture)}
            >
              <Star size={18} />
            </IconButton>
            <IconButton
              label={t.picture.vary}
              hint={t.picture.varyHint(shown(keyOf("vary")), shown(keyOf("varyStrongly")))}
              onPress={() => void vary(job, picture, "subtly")}
            >
              <Shuffle size={18} />
            </IconButton>
            <IconButton
              label={t.picture.compare}
              hint={`${t.picture.compareWith} (${shown(keyOf("compare"))})`}
              onPress={() => toggleCompared(at)}
            >
              <ArrowLeftRight size={18} />
            </IconButton>
            <IconButton
              className="wide-only"
              label={t.picture.asReference}
              onPress={() => addReference(picture.id, thumb(picture, 320))}
            >
              <Plus size={18} />
            </IconButton>
            <PictureMenu
              job={job}
              picture={picture}
              button={
                <IconButton label={t.picture.actions}>
                  <EllipsisVertical size={18} />
                </IconButton>
              }
            />
            <IconButton
              className="wide-only"
              label={hasInspector ? t.look.hideInspector : t.look.showInspector}
              pressed={hasInspector}
              onPress={() => settings.set({ inspector: !hasInspector })}
            >
              <PanelRight size={18} />
            </IconButton>
            <IconButton label={t.look.close} onPress={close}>
              <X size={18} />
            </IconButton>
          </div>
          <div className="look-picture" data-actual={isActual || undefined}>
            <Shown
              key={url}
              url={url}
              name={t.takes.picture(promptOf(job.request, picture.seed), picture.place + 1)}
              picture={picture}
              onPress={() => setActual(!isActual)}
            />
            {bare && (
              <p className="look-word" role="status">
                {holdWord(bare, t)}
              </p>
            )}
          </div>
          <div className="look-foot chrome">
            <IconButton label={t.look.previous} isDisabled={!neighbour(at, -1)} onPress={() => go(-1)}>
              <ChevronLeft size={20} />
            </IconButton>
            {canHold ? (
              <Button
                aria-label={t.look.holdWithout}
                onPressStart={() => void startHold(job, picture)}
                onPressEnd={stopHold}
              >
                <Eye size={16} aria-hidden />
                {t.look.without}
                <kbd className="wide-only">{t.keys.hold(shown(keyOf("asReference")))}</kbd>
              </Button>
            ) : (
              <span className="small muted">
                {picture.width} × {picture.height}
              </span>
            )}
            <Button onPress={() => setActual(!isActual)}>{isActual ? t.look.fit : t.look.zoom}</Button>
            <IconButton label={t.look.next} isDisabled={!neighbour(at, 1)} onPress={() => go(1)}>
              <ChevronRight size={20} />
            </IconButton>
          </div>
        </div>
        {hasInspector && <Inspector job={job} picture={picture} />}
      </div>
    </Over>
  )
}
