/** The words before `--`, which are for us. */
export function ownWords(words: readonly string[]): string[] {
  return words.includes('--') ? words.slice(0, words.indexOf('--')) : [...words]
}

/** The words after it. */
export function foreignWords(words: readonly string[]): string[] {
  return words.slice(ownWords(words).length + 1)
}
