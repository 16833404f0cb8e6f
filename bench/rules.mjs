// What many rules cost a request, and the start.
import { atMost, forkNode, median, resultOf, spread } from './measure.mjs'

export async function rules() {
  const cases = await resultOf(forkNode('rules-process.mjs', { flags: ['--expose-gc'] }))
  const rows = [['rules', 'decision, ns', 'without rules, ns', 'what they add, ns', 'start-up, ms']]
  const bars = []
  for (const { title, startUp, ...times } of cases) {
    const added = times.with.map((value, round) => value - times.without[round])
    const whole = [times.with, times.without].map((values) => median(values).toFixed(0))
    rows.push([title, ...whole, spread(added, 0), startUp.toFixed(0)])
    bars.push(atMost(title, median(added), 500, ' ns'))
  }
  bars.push(atMost('the slowest start-up', Math.max(...cases.map(({ startUp }) => startUp)), 2000, ' ms'))
  return { title: 'Many rules, the mode on', rows, bars, raw: cases }
}
