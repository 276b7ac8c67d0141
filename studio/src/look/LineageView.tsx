// Where a take came from and what it led to, as pictures that lead there.
import { ImageOff } from "lucide-react"
import { promptOf } from "../../../src/request/seeds.ts"
import { thumb } from "../api/client.ts"
import { useJob, useLineage } from "../api/queries.ts"
import type { Job } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { page } from "../state/page.ts"

export function LineageView({ job }: { job: Job }) {
  const { look: t } = useMessages()
  const lineage = useLineage(job.id).data
  if (!lineage) return null
  const { cameFrom, ledTo } = lineage
  const { references, start, board, variationOf } = job.request
  const isOfWords = references.length === 0 && !start && !board && !variationOf?.length
  const ledToJobs = [...new Map(ledTo.map((l) => [l.job, l])).values()]
  return (
    <section className="inspector-section">
      <div className="inspector-title">
        <h2>{t.lineage}</h2>
      </div>
      {cameFrom.length + ledToJobs.length === 0 && (
        <p className="muted small">{isOfWords ? t.noLineage : t.nothingYet}</p>
      )}
      {cameFrom.length > 0 && (
        <div className="lineage">
          <h3>{t.cameFrom}</h3>
          <ul>
            {cameFrom.map((l) => (
              <Relative key={`${l.picture}-${l.role}`} job={l.job} picture={l.picture} />
            ))}
          </ul>
        </div>
      )}
      {ledToJobs.length > 0 && (
        <div className="lineage">
          <h3>{t.ledTo}</h3>
          <ul>
            {ledToJobs.map((l) => (
              <Relative key={l.job} job={l.job} picture={null} />
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}

function Relative({ job: id, picture: wanted }: { job: string; picture: string | null }) {
  const t = useMessages()
  const job = useJob(id).data
  const picture = wanted === null ? job?.pictures[0] : job?.pictures.find((p) => p.id === wanted)
  if (!job) return null
  if (job.deletedAt !== null || (wanted !== null && !picture)) {
    return (
      <li className="lineage-gone" title={t.look.gone}>
        <ImageOff size={18} aria-label={t.look.gone} />
      </li>
    )
  }
  if (!picture) return null
  return (
    <li>
      <button
        type="button"
        aria-label={t.takes.picture(promptOf(job.request, picture.seed), picture.place + 1)}
        onClick={() => page.set({ current: { job: id, picture: picture.id } })}
      >
        <img src={thumb(picture, 320)} alt="" />
      </button>
    </li>
  )
}
