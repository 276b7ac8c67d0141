// Which network addresses belong to the public internet. Imports nothing of ours.
import { BlockList, isIP } from "node:net"

/** Private, local, shared, documentation, multicast and reserved ranges (IANA special-purpose registries). */
const REFUSED_V4: readonly [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
]
/** In IPv6 only global unicast 2000::/3 is public, less these: transition forms could hide an IPv4 address. */
const REFUSED_V6: readonly [string, number][] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
  ["2620:4f:8000::", 48],
]

const v4 = new BlockList()
for (const [net, bits] of REFUSED_V4) v4.addSubnet(net, bits, "ipv4")
const v6 = new BlockList()
for (const [net, bits] of REFUSED_V6) v6.addSubnet(net, bits, "ipv6")
const global6 = new BlockList()
global6.addSubnet("2000::", 3, "ipv6")

/** False for every address that is not certainly a public one, IPv4-mapped IPv6 included. */
export function isPublicAddress(address: string): boolean {
  const kind = isIP(address)
  if (kind === 4) return !v4.check(address, "ipv4")
  if (kind === 6) {
    const bare = address.replace(/%.*$/, "")
    // BlockList answers for an IPv4-mapped address by its IPv4 rules; those lie outside 2000::/3 anyway.
    return global6.check(bare, "ipv6") && !v6.check(bare, "ipv6")
  }
  return false
}
