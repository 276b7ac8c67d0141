// What can be done with one picture, as a menu: the same in takes, wall and look.
import {
  ArrowLeftRight,
  Copy,
  Dices,
  Download,
  Image,
  Maximize2,
  Plus,
  Shapes,
  Shuffle,
  Sprout,
  Star,
  Trash2,
} from "lucide-react"
import type { ReactNode } from "react"
import { local, thumb } from "../api/client.ts"
import type { Job, Picture } from "../api/types.ts"
import { bindingOf } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { toggleCompared } from "../state/compared.ts"
import { modelOf } from "../state/draft.ts"
import { openLook, page } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import {
  addReference,
  capabilities,
  favourite,
  recall,
  removePicture,
  setStart,
  vary,
} from "../state/work.ts"
import { Menus } from "../ui/overlays.tsx"

export function PictureMenu({ job, picture, button }: { job: Job; picture: Picture; button: ReactNode }) {
  const t = useMessages()
  const known = capabilities()
  const supports = known && modelOf(known, job.request.model)?.supports
  const isLooking = useStore(page, (p) => p.surface === "look")
  const at = { job: job.id, picture: picture.id }
  const file = (format: string): string => `${local(picture.url)}?format=${format}&download=1`
  return (
    <Menus
      label={t.picture.actions}
      button={button}
      groups={[
        [
          ...(isLooking
            ? []
            : [
                {
                  id: "look",
                  label: t.picture.open,
                  icon: <Maximize2 size={16} />,
                  run: () => openLook(at),
                },
              ]),
          {
            id: "favourite",
            label: picture.favourite ? t.picture.unfavourite : t.picture.favourite,
            icon: <Star size={16} />,
            keys: bindingOf("favourite"),
            run: () => void favourite(picture),
          },
          {
            id: "vary",
            label: t.picture.vary,
            icon: <Shuffle size={16} />,
            keys: bindingOf("vary"),
            run: () => void vary(job, picture, "subtly"),
          },
          {
            id: "vary-strongly",
            label: t.picture.varyStrongly,
            icon: <Shapes size={16} />,
            keys: bindingOf("varyStrongly"),
            run: () => void vary(job, picture, "strongly"),
          },
          {
            id: "compare",
            label: t.picture.compare,
            icon: <ArrowLeftRight size={16} />,
            keys: bindingOf("compare"),
            run: () => toggleCompared(at),
          },
        ],
        [
          ...(supports?.references
            ? [
                {
                  id: "reference",
                  label: t.picture.asReference,
                  icon: <Plus size={16} />,
                  keys: bindingOf("asReference"),
                  run: () => addReference(picture.id, thumb(picture, 320)),
                },
              ]
            : []),
          ...(supports?.start
            ? [
                {
                  id: "start",
                  label: t.picture.asStart,
                  icon: <Image size={16} />,
                  run: () => setStart(picture, thumb(picture, 320)),
                },
              ]
            : []),
          {
            id: "all",
            label: t.takes.useAll,
            icon: <Copy size={16} />,
            keys: bindingOf("useAll"),
            run: () => recall(job, "all", picture.seed),
          },
          {
            id: "remix",
            label: t.takes.remix,
            icon: <Dices size={16} />,
            keys: bindingOf("remix"),
            run: () => recall(job, "remix"),
          },
          {
            id: "seed",
            label: t.takes.reuseSeed,
            icon: <Sprout size={16} />,
            run: () => recall(job, "seed", picture.seed),
          },
        ],
        ["png", "jpg", "webp"].map((format) => ({
          id: format,
          label: `${t.picture.download} ${format.toUpperCase()}`,
          icon: <Download size={16} />,
          href: file(format),
        })),
        [
          {
            id: "delete",
            label: t.picture.delete,
            icon: <Trash2 size={16} />,
            danger: true,
            run: () => void removePicture(picture),
          },
        ],
      ]}
    />
  )
}
