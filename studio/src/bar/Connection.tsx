// A line under the bar while the server is away. It comes late, so that a quick restart does not flicker.
import { CloudOff } from "lucide-react"
import { useEffect, useState } from "react"
import { useMessages } from "../messages/index.ts"
import { page } from "../state/page.ts"
import { useStore } from "../state/store.ts"

export function Connection() {
  const { connection: t } = useMessages()
  const isLost = useStore(page, (p) => p.connection === "lost")
  const [isShown, setShown] = useState(false)
  useEffect(() => {
    if (!isLost) return setShown(false)
    const timer = setTimeout(() => setShown(true), 400)
    return () => clearTimeout(timer)
  }, [isLost])
  return (
    <div role="status" className="connection-holder">
      {isShown && (
        <p className="connection">
          <CloudOff size={16} aria-hidden />
          <b>{navigator.onLine ? t.lost : t.offline}</b>
          <span className="wide-only">{t.lostHint}</span>
        </p>
      )}
    </div>
  )
}
