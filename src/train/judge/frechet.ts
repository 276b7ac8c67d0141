// The Frechet distance of two sets of feature vectors, exact for any number of vectors and features.

/** Rows minus their mean, over sqrt(n - 1), so that the covariance is A^T A. */
function centred(rows: readonly Float32Array[]): { mean: Float64Array; rows: Float64Array[]; trace: number } {
  const size = rows[0]!.length
  const mean = new Float64Array(size)
  for (const row of rows) for (let i = 0; i < size; i++) mean[i]! += row[i]! / rows.length
  const scale = 1 / Math.sqrt(rows.length - 1)
  let trace = 0
  const out = rows.map((row) =>
    Float64Array.from(row, (v, i) => {
      const d = (v - mean[i]!) * scale
      trace += d * d
      return d
    }),
  )
  return { mean, rows: out, trace }
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/**
 * |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The last trace is the sum of the singular values of A B^T, which is
 * only as large as the sets. Sets of at most about a thousand vectors.
 */
export function frechetDistance(one: readonly Float32Array[], two: readonly Float32Array[]): number {
  if (one.length < 2 || two.length < 2) return Number.NaN
  const [a, b] = [centred(one), centred(two)]
  const [small, large] = a.rows.length <= b.rows.length ? [a.rows, b.rows] : [b.rows, a.rows]
  const cross = small.map((row) => Float64Array.from(large, (other) => dot(row, other)))
  const gram = cross.map((row, i) => {
    const line = new Float64Array(cross.length)
    for (let k = 0; k <= i; k++) line[k] = dot(row, cross[k]!) // the lower half is all that is read
    return line
  })
  const root = eigenvalues(gram).reduce((sum, v) => sum + Math.sqrt(Math.max(0, v)), 0)
  let means = 0
  for (let i = 0; i < a.mean.length; i++) means += (a.mean[i]! - b.mean[i]!) ** 2
  return Math.max(0, means + a.trace + b.trace - 2 * root)
}

/** Eigenvalues of a symmetric matrix by its lower half, changed in place: Householder's tridiagonal form, then implicit QL. */
export function eigenvalues(a: Float64Array[]): number[] {
  const n = a.length
  const d = new Float64Array(n)
  const e = new Float64Array(n)
  for (let i = n - 1; i >= 1; i--) {
    const row = a[i]!
    let scale = 0
    for (let k = 0; k < i; k++) scale += Math.abs(row[k]!)
    if (i === 1 || scale === 0) {
      e[i] = row[i - 1]!
      continue
    }
    let h = 0
    for (let k = 0; k < i; k++) {
      row[k]! /= scale
      h += row[k]! ** 2
    }
    const f = row[i - 1]!
    const g = f >= 0 ? -Math.sqrt(h) : Math.sqrt(h)
    e[i] = scale * g
    h -= f * g
    row[i - 1] = f - g
    // p = A u / h, then q = p - (u p / 2h) u, and A - q u^T - u q^T.
    const p = new Float64Array(i)
    for (let j = 0; j < i; j++) {
      const line = a[j]!
      let sum = 0
      for (let k = 0; k <= j; k++) sum += line[k]! * row[k]!
      for (let k = j + 1; k < i; k++) sum += a[k]![j]! * row[k]!
      p[j] = sum / h
    }
    let up = 0
    for (let j = 0; j < i; j++) up += row[j]! * p[j]!
    const half = up / (2 * h)
    for (let j = 0; j < i; j++) p[j]! -= half * row[j]!
    for (let j = 0; j < i; j++) {
      const line = a[j]!
      for (let k = 0; k <= j; k++) line[k]! -= row[j]! * p[k]! + p[j]! * row[k]!
    }
  }
  for (let i = 0; i < n; i++) d[i] = a[i]![i]!
  return implicitQl(d, e)
}

/** Eigenvalues of the tridiagonal matrix with diagonal d and e[i] between i - 1 and i. */
function implicitQl(d: Float64Array, e: Float64Array): number[] {
  const n = d.length
  e.copyWithin(0, 1)
  e[n - 1] = 0
  for (let l = 0; l < n; l++) {
    for (let round = 0; round < 60; round++) {
      let m = l
      while (m < n - 1 && Math.abs(e[m]!) > 1e-15 * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++
      if (m === l) break
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!)
      let r = Math.hypot(g, 1)
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r))
      let [s, c, p] = [1, 1, 0]
      let i = m - 1
      for (; i >= l; i--) {
        const f = s * e[i]!
        const b = c * e[i]!
        r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1]! -= p
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = d[i + 1]! - p
        r = (d[i]! - g) * s + 2 * c * b
        p = s * r
        d[i + 1] = g + p
        g = c * r - b
      }
      if (r === 0 && i >= l) continue
      d[l]! -= p
      e[l] = g
      e[m] = 0
    }
  }
  return [...d]
}
