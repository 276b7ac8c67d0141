// One moodboard: its pictures, its strength when in use, its share code.
import { Copy, Download, EllipsisVertical, PencilLine, Rows3, Trash2 } from "lucide-react"
import { useState } from "react"
import { call, local } from "../api/client.ts"
import type { Board } from "../api/types.ts"
import { isComposing } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { draft, newKey } from "../state/draft.ts"
import { complain, toast } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { copyText } from "../ui/copy.ts"
import { NumberField, Range } from "../ui/fields.tsx"
import { Menus } from "../ui/overlays.tsx"
import { refreshBoards } from "./Boards.tsx"

export function BoardCard({ board }: { board: Board }) {
  const { boards: t, toast: words, look } = useMessages()
  const used = useStore(draft, (d) => (d.board?.id === board.id ? d.board : null))
  const [isNaming, setNaming] = useState(false)
  const use = (strength: number): void => draft.set({ board: { id: board.id, name: board.name, strength } })
  const rename = async (name: string): Promise<void> => {
    setNaming(false)
    if (!name.trim() || name === board.name) return
    try {
      await call("PATCH", `api/boards/${board.id}`, { name: name.trim() })
      draft.set((d) => (d.board?.id === board.id ? { board: { ...d.board, name: name.trim() } } : {}))
      refreshBoards()
    } catch (thrown) {
      complain(thrown)
    }
  }
  const remove = async (): Promise<void> => {
    try {
      await call("DELETE", `api/boards/${board.id}`)
      if (used) draft.set({ board: null })
      refreshBoards()
      const restore = (): void =>
        void call("POST", `api/boards/${board.id}/restore`).then(refreshBoards, complain)
      toast(t.deleted(board.name), { action: { label: words.undo, run: restore } })
    } catch (thrown) {
      complain(thrown)
    }
  }
  const save = async (): Promise<void> => {
    try {
      const text = JSON.stringify(await call("GET", `api/boards/${board.id}/export`))
      const link = document.createElement("a")
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }))
      link.download = `${board.name.replace(/[^\p{L}\p{N}]+/gu, "-")}.board.json`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    } catch (thrown) {
      complain(thrown)
    }
  }
  const copyCode = async (): Promise<void> => {
    if (await copyText(board.code)) toast(look.copied)
  }
  const load = (): void => {
    const pictures = board.pictures.slice(0, 10)
    draft.set({
      references: pictures.map((p) => ({
        key: newKey(),
        image: p.image,
        thumb: `${local(p.url)}?width=160`,
        weight: p.weight,
        muted: false,
      })),
    })
    toast(words.used)
  }
  return (
    <li className="board" data-used={used ? true : undefined}>
      <div className="board-strip">
        {board.pictures.slice(0, 5).map((p) => (
          <img key={p.image} src={`${local(p.url)}?width=160`} alt="" loading="lazy" />
        ))}
        {board.pictures.length > 5 && <span className="board-more">+{board.pictures.length - 5}</span>}
      </div>
      <div className="row">
        <div className="grow">
          {isNaming ? (
            <input
              className="field"
              aria-label={t.name}
              defaultValue={board.name}
              // biome-ignore lint/a11y/noAutofocus: the user has just asked for this field
              autoFocus
              onBlur={(e) => void rename(e.target.value)}
              onKeyDown={(e) => {
                if (isComposing(e.nativeEvent)) return
                if (e.key !== "Enter" && e.key !== "Escape") return
                e.preventDefault()
                if (e.key === "Escape") {
                  // The old name stays, and the panel too.
                  e.stopPropagation()
                  e.currentTarget.value = board.name
                }
                // The keyboard stays with this moodboard, where no tooltip waits for an Escape of its own.
                e.currentTarget.closest("li")?.querySelector<HTMLElement>(".button")?.focus()
              }}
            />
          ) : (
            <p className="board-name" dir="auto">
              {board.name}
            </p>
          )}
          <p className="small muted">
            {t.pictures(board.pictures.length)} · <code>{board.code}</code>
          </p>
        </div>
        <Button
          kind={used ? "outlined" : "primary"}
          aria-label={`${used ? t.stop : t.use}: ${board.name}`}
          onPress={() => (used ? draft.set({ board: null }) : use(0.35))}
        >
          {used ? t.stop : t.use}
        </Button>
        <Menus
          label={board.name}
          button={
            <IconButton label={`${t.button}: ${board.name}`}>
              <EllipsisVertical size={16} />
            </IconButton>
          }
          groups={[
            [
              { id: "load", label: t.load, icon: <Rows3 size={16} />, run: load },
              { id: "code", label: t.copyCode, icon: <Copy size={16} />, run: () => void copyCode() },
              { id: "export", label: t.export, icon: <Download size={16} />, run: () => void save() },
              { id: "rename", label: t.rename, icon: <PencilLine size={16} />, run: () => setNaming(true) },
            ],
            [
              {
                id: "delete",
                label: t.delete,
                icon: <Trash2 size={16} />,
                danger: true,
                run: () => void remove(),
              },
            ],
          ]}
        />
      </div>
      {used && (
        <div className="row">
          <span className="small">{t.strength}</span>
          <Range
            label={`${t.strength}: ${board.name}`}
            value={used.strength}
            min={-0.5}
            max={1.5}
            step={0.05}
            stops={[0, 0.35, 1]}
            onChange={use}
          />
          <NumberField
            className="narrow"
            label={t.strength}
            value={used.strength}
            min={-0.5}
            max={1.5}
            step={0.05}
            onChange={(v) => use(v ?? 0.35)}
          />
        </div>
      )}
    </li>
  )
}
