/** Nanoseconds a call, in the best of many rounds too short to be interrupted: other work on the machine only adds to it. */
export function nanosecondsOf(call: (i: number) => unknown): number {
  const calls = 2000
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 500; round++) {
    const begin = performance.now()
    for (let i = 0; i < calls; i++) call(round * calls + i)
    best = Math.min(best, ((performance.now() - begin) / calls) * 1e6)
  }
  return best
}

/** Milliseconds of processor time, which other work on the machine does not count towards. */
export function millisecondsOf(work: () => void): number {
  const begin = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000
}
