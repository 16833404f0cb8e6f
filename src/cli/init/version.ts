/** `older` and `newer` than what is supported; `supported` also where nothing is known. */
export type Verdict = 'supported' | 'older' | 'newer'

/** `16` of `16.4.3`, `^16.0.0`, `~16.4` or `16.x`; nothing of `latest`, `*` or `workspace:*`. */
export function majorOf(version: string | undefined): number | undefined {
  return numbersOf(version)?.[0]
}

/** @param supported such as `^4.17 || ^5` */
export function judgeVersion(version: string | undefined, supported: string): Verdict {
  const numbers = numbersOf(version)
  if (!numbers) return 'supported'
  const [major, minor] = numbers
  const ranges = supported.split('||').flatMap((range) => {
    const [least, from = 0] = numbersOf(range) ?? []
    return least === undefined ? [] : [{ least, from }]
  })
  // `^4.16` may well be 4.22; `~4.16.1` and what is installed are what they say.
  const exact = /^[~=v]?\d/.test((version as string).trim()) && minor !== undefined
  const isOlder = ({ least, from }: (typeof ranges)[number]): boolean =>
    major < least || (major === least && exact && minor < from)
  if (ranges.length === 0 || ranges.some((range) => range.least === major && !isOlder(range))) return 'supported'
  return ranges.some(isOlder) ? 'older' : 'newer'
}

function numbersOf(version = ''): [major: number, minor: number | undefined] | undefined {
  const match = /^[\s^~>=v]*(\d+)(?:\.(\d+))?/.exec(version)
  return match ? [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])] : undefined
}
