import { describe, expect, it } from 'vitest'

/** What the benchmark measures, at a real server in a process of its own. */
interface Bench {
  heap(): Promise<{ added: number; failed: number; outOfOrder: number }>
  load(): Promise<{ sent: number; waited: number; longest: number; failures: unknown[] }>
}

const bench = (): Promise<Bench> => import(new URL('../bench/hold.mjs', import.meta.url).href)

describe('held requests of real connections', () => {
  it('cost under 10 MB of heap for 1,000 of them, and all are answered in order after release', async () => {
    const { added, failed, outOfOrder } = await (await bench()).heap()
    // Less than 100 bytes for each would be a measurement of nothing.
    expect(added).toBeGreaterThan(100_000)
    expect(added).toBeLessThan(10_000_000)
    expect({ failed, outOfOrder }).toEqual({ failed: 0, outOfOrder: 0 })
  })

  it('of a constant load all succeed, over a hold of five seconds', async () => {
    const { sent, waited, longest, failures } = await (await bench()).load()
    expect(failures).toEqual([])
    expect(waited).toBeGreaterThan(sent / 4)
    expect(longest).toBeGreaterThan(4500)
  })
})
