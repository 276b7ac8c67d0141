// The moodboard in use, as a chip in the dock; pressing it opens the boards.
import { LayoutGrid, X } from "lucide-react"
import { useBoardName } from "../api/queries.ts"
import { useMessages } from "../messages/index.ts"
import { draft } from "../state/draft.ts"
import { page } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { decimal } from "../ui/words.ts"

export function BoardButton() {
  const { boards: t } = useMessages()
  const board = useStore(draft, (d) => d.board)
  const name = useBoardName(board?.id ?? null) ?? board?.name
  const open = (): void => page.set({ panel: "boards" })
  return (
    <span className={board ? "row tight-row board-chip" : "row tight-row"}>
      <Button aria-label={name ? `${t.button}: ${name}` : t.button} onPress={open}>
        <LayoutGrid size={16} aria-hidden />
        {board ? (
          <>
            <span className="clip">{name || t.button}</span>
            <span className="value">{decimal(board.strength)}</span>
          </>
        ) : (
          <span className="wide-only">{t.button}</span>
        )}
      </Button>
      {board && (
        <IconButton className="small" label={t.stop} onPress={() => draft.set({ board: null })}>
          <X size={14} />
        </IconButton>
      )}
    </span>
  )
}
