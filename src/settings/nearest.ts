/** The name among `names` that was most likely meant, `undefined` when none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase()
  const ranked = names.map((candidate) => ({ candidate, distance: distance(wanted, candidate.toLowerCase()) }))
  const [best] = ranked.sort((a, b) => a.distance - b.distance)
  return best && best.distance <= Math.max(2, Math.floor(name.length / 3)) ? best.candidate : undefined
}

/** `did you mean "x"?`, or nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names)
  return nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] as number) + Number(a[i - 1] !== b[j - 1])
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, substituted))
    }
    previous = row
  }
  return previous[b.length] as number
}
