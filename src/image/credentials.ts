// Content Credentials (C2PA 2.1): a signed statement inside the file that a machine made it, bound to its bytes.
import "reflect-metadata" // @peculiar/x509 wants it before itself
import { createHash } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { JPEG, PNG } from "@trustnxt/c2pa-ts/asset"
import { CoseAlgorithmIdentifier, LocalSigner } from "@trustnxt/c2pa-ts/cose"
import { SuperBox } from "@trustnxt/c2pa-ts/jumbf"
import {
  ActionAssertion,
  ActionType,
  ClaimVersion,
  DataHashAssertion,
  DigitalSourceType,
  ManifestStore,
} from "@trustnxt/c2pa-ts/manifest"
import { isComposite } from "./metadata.ts"

/** Who signs: made once per installation, kept where every node of it can read it. Base64 of DER. */
export interface Credential {
  /** PKCS#8 of an Ed25519 key, whose signatures are the same every time: same request, same bytes. */
  privateKey: string
  certificate: string
  /** What signed the certificate: C2PA takes no leaf that signed itself. */
  issuer: string
}

/** Puts a signed manifest into a PNG or JPEG; other files come back as they are. */
export type Seal = (bytes: Uint8Array) => Promise<Uint8Array>

/** As the certificate library spells it; Node and the DOM differ in the uses a key may have. */
type KeyPair = NonNullable<Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0]["keys"]>

x509.cryptoProvider.set(crypto)

const ED25519 = { name: "Ed25519" }
/** Extended key usage "document signing" (RFC 9336), one of those that C2PA asks for. */
const DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"
/** Bytes kept for the signature, twice its 64: the library keeps 25 kB, for a countersignature that we do not have. */
const ROOM = 128

const base64 = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("base64")
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64"))

/** A new key with a certificate from an issuer of its own, whose key is thrown away: nobody else gets one from it. */
export async function newCredential(): Promise<Credential> {
  const keys = () => crypto.subtle.generateKey(ED25519, true, ["sign", "verify"]) as Promise<KeyPair>
  const [root, own] = [await keys(), await keys()]
  // Long-lived, for there is nobody to renew it; from well before now, for clocks differ.
  const life = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date("2099-12-31") }
  const serial = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString("hex")
  const issuer = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${serial()}`,
    name: "CN=Atelier installation, O=Atelier",
    ...life,
    keys: root,
    signingAlgorithm: ED25519,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(root.publicKey),
    ],
  })
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `01${serial()}`,
    subject: "CN=Atelier, O=Atelier",
    issuer: issuer.subject,
    ...life,
    signingKey: root.privateKey,
    publicKey: own.publicKey,
    signingAlgorithm: ED25519,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([DOCUMENT_SIGNING], false),
      await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(own.publicKey),
    ],
  })
  return {
    privateKey: base64(await crypto.subtle.exportKey("pkcs8", own.privateKey)),
    certificate: base64(certificate.rawData),
    issuer: base64(issuer.rawData),
  }
}

/** A UUID (version 8) out of a picture's own bytes: chance or the clock would make equal requests differ. */
function uuidOf(bytes: Uint8Array): string {
  const hex = createHash("sha256").update(bytes).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const assetOf = (bytes: Uint8Array): PNG | JPEG | undefined =>
  PNG.canRead(bytes) ? new PNG(bytes) : JPEG.canRead(bytes) ? new JPEG(bytes) : undefined

/** Signs with a credential. The manifest says: created, by this software, by a trained model or with one (C2PA 2.1, 18.14). */
export function sealWith(credential: Credential, software: { name: string; version: string }): Seal {
  const signer = new LocalSigner(
    bytesOf(credential.privateKey),
    CoseAlgorithmIdentifier.Ed25519,
    new x509.X509Certificate(bytesOf(credential.certificate)),
    [new x509.X509Certificate(bytesOf(credential.issuer))],
  )
  return async (bytes) => {
    const asset = assetOf(bytes)
    if (!asset) return bytes
    const uuid = uuidOf(bytes)
    const store = new ManifestStore()
    const manifest = store.createManifest({
      claimVersion: ClaimVersion.V2,
      assetFormat: asset.mimeType,
      instanceID: `xmp:iid:${uuid}`,
      defaultHashAlgorithm: "SHA-256",
      signer,
    })
    manifest.label = `urn:c2pa:${uuid}`
    manifest.claim!.claimGeneratorName = software.name
    manifest.claim!.claimGeneratorVersion = software.version
    manifest.signature!.signatureData.paddingLength = ROOM
    const hash = DataHashAssertion.create("SHA-256")
    manifest.addAssertion(hash)
    const actions = new ActionAssertion()
    actions.label = "c2pa.actions.v2"
    actions.actions.push({
      action: ActionType.C2paCreated,
      digitalSourceType: (await isComposite(bytes))
        ? DigitalSourceType.CompositeWithTrainedAlgorithmicMedia
        : DigitalSourceType.TrainedAlgorithmicMedia,
      softwareAgent: software,
    })
    manifest.addAssertion(actions)
    await asset.ensureManifestSpace(store.measureSize())
    await hash.updateWithAsset(asset)
    await manifest.sign(signer)
    await asset.writeManifestJUMBF(store.getBytes())
    return await asset.getDataRange()
  }
}

/** What a file's credentials say: nothing, or whether they hold, who made it and from what. */
export async function readCredentials(
  bytes: Uint8Array,
): Promise<{ holds: boolean; software: string; source: string | undefined; problems: string[] } | undefined> {
  const asset = assetOf(bytes)
  const stored = asset?.getManifestJUMBF()
  if (!asset || !stored) return undefined
  const store = ManifestStore.read(SuperBox.fromBuffer(Uint8Array.from(stored)))
  const { isValid, statusEntries } = await store.validate(asset)
  const manifest = store.getActiveManifest()
  const actions = manifest?.assertions?.assertions.find((a) => a instanceof ActionAssertion)
  return {
    holds: isValid,
    software: manifest?.claim?.claimGeneratorName ?? "",
    source: actions?.actions[0]?.digitalSourceType,
    problems: statusEntries.filter((e) => !e.success).map((e) => e.code),
  }
}
