// What a finished picture says of itself: the request that made it, and that a machine did.
import sharp from "sharp"
import { extensionName, extensionOf, isJpeg, MOST_XMP } from "./jpeg.ts"
import { isPng, textOf, withTexts } from "./png.ts"

/** Keyword of the PNG text that holds the canonical request as JSON. */
export const REQUEST_KEYWORD = "atelier"
/** And of the one that holds what the model read. */
const EXPANDED_KEYWORD = "atelier-expanded-prompt"
const XMP_KEYWORD = "XML:com.adobe.xmp"

/** IPTC's words for a picture made by a trained model, and for one that a model has painted into. */
const SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
const SOURCE = `${SOURCES}trainedAlgorithmicMedia`
const COMPOSITE = `${SOURCES}compositeWithTrainedAlgorithmicMedia`
const NAMESPACE = "https://atelier.local/ns/1.0/"

export interface Provenance {
  /** The canonical request of this one picture, complete. */
  request: unknown
  /** What the model read in the prompt's place; absent where that is the prompt. */
  expandedPrompt?: string
  /** `atelier 0.1.0` */
  software: string
}

const escapeXml = (text: string): string => text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`)
const unescapeXml = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

/** With a mask, a part of the picture is the one that was sent. */
const sourceOf = ({ request }: Provenance): string =>
  (request as { start?: { mask?: unknown } | null } | null)?.start?.mask === undefined ? SOURCE : COMPOSITE

const requestXml = ({ request, expandedPrompt }: Provenance): string => {
  const expanded =
    expandedPrompt === undefined
      ? ""
      : `\n<atelier:expandedPrompt>${escapeXml(expandedPrompt)}</atelier:expandedPrompt>`
  return `<atelier:request>${escapeXml(JSON.stringify(request))}</atelier:request>${expanded}`
}

const description = (namespaces: string, inside: string): string =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" ${namespaces} xmlns:atelier="${NAMESPACE}">
${inside}
</rdf:Description></rdf:RDF></x:xmpmeta>`

/** The packet of a picture's provenance; `more` stands for the request where that is elsewhere. */
export function xmp(provenance: Provenance, more = requestXml(provenance)): string {
  const namespaces =
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
  const inside = `<xmp:CreatorTool>${escapeXml(provenance.software)}</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>${sourceOf(provenance)}</Iptc4xmpExt:DigitalSourceType>
${more}`
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
${description(namespaces, inside)}
<?xpacket end="w"?>`
}

/** A packet for a JPEG, and its extension where the request is too long for one segment: it may hold whole pictures. */
export function jpegXmp(provenance: Provenance): { packet: string; extension?: string } {
  const packet = xmp(provenance)
  if (Buffer.byteLength(packet) <= MOST_XMP) return { packet }
  const extension = description("", requestXml(provenance))
  const note = `<xmpNote:HasExtendedXMP xmlns:xmpNote="http://ns.adobe.com/xmp/note/">${extensionName(extension)}</xmpNote:HasExtendedXMP>`
  return { packet: xmp(provenance, note), extension }
}

/**
 * A PNG with its provenance; JPEG and WebP take theirs through sharp while they are encoded. The packet repeats the request for
 * programs that keep nothing else, unless whole pictures are in it: these are megabytes.
 */
export function describePng(png: Uint8Array, provenance: Provenance): Uint8Array {
  const packet = xmp(provenance)
  return withTexts(png, {
    [REQUEST_KEYWORD]: JSON.stringify(provenance.request),
    ...(provenance.expandedPrompt !== undefined && { [EXPANDED_KEYWORD]: provenance.expandedPrompt }),
    [XMP_KEYWORD]: Buffer.byteLength(packet) <= MOST_XMP ? packet : xmp(provenance, ""),
  })
}

/** The request stored in a picture of ours, or undefined. */
export async function readRequest(bytes: Uint8Array): Promise<unknown> {
  const text = await textFrom(bytes, REQUEST_KEYWORD, "atelier:request")
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the model read for a picture of ours; undefined where it read the prompt itself. */
export async function readExpandedPrompt(bytes: Uint8Array): Promise<string | undefined> {
  return await textFrom(bytes, EXPANDED_KEYWORD, "atelier:expandedPrompt")
}

/** The text of a PNG, or else the packet's: some programs keep nothing else. */
const textFrom = async (bytes: Uint8Array, keyword: string, element: string): Promise<string | undefined> =>
  (isPng(bytes) ? textOf(bytes, keyword) : undefined) ?? (await inXmp(bytes, element))

/** All that a picture of ours says of itself, to be written into another file of it; undefined where it has no request. */
export async function readProvenance(bytes: Uint8Array): Promise<Provenance | undefined> {
  const request = await readRequest(bytes)
  if (request === undefined) return undefined
  const expandedPrompt = await readExpandedPrompt(bytes)
  const software = (await inXmp(bytes, "xmp:CreatorTool")) ?? ""
  return { request, ...(expandedPrompt !== undefined && { expandedPrompt }), software }
}

/** Whether a picture of ours says that only a part of it was made by a model. */
export const isComposite = async (bytes: Uint8Array): Promise<boolean> =>
  (await inXmp(bytes, "Iptc4xmpExt:DigitalSourceType")) === COMPOSITE

async function inXmp(bytes: Uint8Array, element: string): Promise<string | undefined> {
  const pattern = new RegExp(`<${element}>([^<]*)</${element}>`)
  const found = (await packetsOf(bytes)).map((text) => text && pattern.exec(text)).find((match) => match)
  return found ? unescapeXml(found[1]!) : undefined
}

/** The XMP of a file; that of a JPEG may have a second part. Of a PNG's sharp reads no more than 60 MB. */
async function packetsOf(bytes: Uint8Array): Promise<(string | undefined)[]> {
  if (isPng(bytes)) return [textOf(bytes, XMP_KEYWORD)]
  const { xmp: packet } = await sharp(bytes).metadata()
  return [packet?.toString("utf8"), isJpeg(bytes) ? extensionOf(bytes) : undefined]
}
