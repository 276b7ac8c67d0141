// Moodboards: saved sets of references. Make one from the dock, use one, share one.
import { LoaderCircle, Upload, X } from "lucide-react"
import { useRef, useState } from "react"
import { keys, queries } from "../api/cache.ts"
import { call } from "../api/client.ts"
import { useBoards } from "../api/queries.ts"
import type { Board } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { draft } from "../state/draft.ts"
import { complain, page, toast } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Over } from "../ui/overlays.tsx"
import { Reason } from "../ui/Reason.tsx"
import { BoardCard } from "./BoardCard.tsx"

export const refreshBoards = (): void => void queries.invalidateQueries({ queryKey: keys.boards })

export default function Boards() {
  const { boards: t, takes } = useMessages()
  const asked = useBoards()
  const boards = asked.data?.items ?? []
  const close = (): void => page.set({ panel: null })
  return (
    <Over label={t.title} as="side" onClose={close}>
      <header className="panel-head">
        <h2>{t.title}</h2>
        <IconButton label={t.close} onPress={close}>
          <X size={18} />
        </IconButton>
      </header>
      <SaveReferences />
      {asked.isPending ? (
        <p className="panel-empty">
          <LoaderCircle className="spin" size={20} aria-hidden />
        </p>
      ) : asked.isError && !asked.data ? (
        <div className="panel-empty" role="alert">
          <p>{t.loadFailed}</p>
          <Reason error={asked.error} />
          <Button kind="outlined" onPress={() => void asked.refetch()}>
            {takes.tryAgain}
          </Button>
        </div>
      ) : boards.length === 0 ? (
        <div className="panel-empty">
          <p>{t.empty}</p>
          <p className="small muted">{t.emptyHint}</p>
        </div>
      ) : (
        <ul className="boards">
          {boards.map((board) => (
            <BoardCard key={board.id} board={board} />
          ))}
        </ul>
      )}
      <Import />
    </Over>
  )
}

/** The dock's references under a name. Muted ones stay out. */
function SaveReferences() {
  const { boards: t } = useMessages()
  const references = useStore(draft, (d) => d.references)
  const [name, setName] = useState("")
  const usable = references.filter((r) => r.image && !r.muted && r.weight !== 0)
  if (usable.length === 0) return null
  const save = async (): Promise<void> => {
    try {
      const pictures = usable.map((r) => ({ image: r.image, weight: r.weight }))
      const board = await call<Board>("POST", "api/boards", { name: name.trim(), pictures })
      setName("")
      toast(t.saved(board.name))
      refreshBoards()
    } catch (thrown) {
      complain(thrown)
    }
  }
  return (
    <form
      className="board-save"
      onSubmit={(e) => {
        e.preventDefault()
        void save()
      }}
    >
      <h3 className="panel-group">{t.saveReferences}</h3>
      <div className="board-strip">
        {usable.slice(0, 8).map((r) => (
          <img key={r.key} src={r.thumb} alt="" />
        ))}
      </div>
      <div className="row">
        <input
          className="field"
          aria-label={t.name}
          placeholder={t.name}
          maxLength={120}
          value={name}
          onChange={(e) => setName(e.target.value)}
        />
        <Button kind="primary" type="submit" isDisabled={name.trim() === ""}>
          {t.save}
        </Button>
      </div>
    </form>
  )
}

function Import() {
  const { boards: t } = useMessages()
  const [code, setCode] = useState("")
  const file = useRef<HTMLInputElement>(null)
  const bring = async (body: unknown): Promise<void> => {
    try {
      const board = await call<Board>("POST", "api/boards/import", body)
      setCode("")
      toast(t.imported(board.name))
      refreshBoards()
    } catch (thrown) {
      complain(thrown)
    }
  }
  const read = async (chosen: File): Promise<void> => {
    const body: unknown = await chosen
      .text()
      .then(JSON.parse)
      .catch(() => null)
    if (body === null) toast(t.badFile, { kind: "error" })
    else await bring(body)
  }
  return (
    <form
      className="board-import"
      onSubmit={(e) => {
        e.preventDefault()
        void bring({ code: code.trim() })
      }}
    >
      <h3 className="panel-group">{t.import}</h3>
      <div className="row">
        <input
          className="field"
          aria-label={t.importCode}
          placeholder={t.importCode}
          value={code}
          onChange={(e) => setCode(e.target.value)}
        />
        <Button kind="outlined" type="submit" isDisabled={code.trim() === ""}>
          {t.import}
        </Button>
        <IconButton label={t.importFile} onPress={() => file.current?.click()}>
          <Upload size={16} />
        </IconButton>
      </div>
      <input
        ref={file}
        type="file"
        accept="application/json,.json"
        hidden
        onChange={(e) => {
          const chosen = e.target.files?.[0]
          if (chosen) void read(chosen)
          e.target.value = ""
        }}
      />
    </form>
  )
}
