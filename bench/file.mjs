// How long after a write of the state file the last of four processes decides by it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createMaintenance } from 'maintenance-mode'
import { atMost, forkNode, monotonic, quantile, resultOf } from './measure.mjs'

const processes = 4
const pollInterval = 500

export async function file() {
  const watched = await changes(100, '5s', 'watching')
  const polled = await changes(30, `${pollInterval}ms`, 'blind')
  const rows = [['processes are told by', 'changes', 'median, ms', '90 %', '99 %', 'longest']]
  for (const [title, latencies] of [
    ['watching the folder', watched],
    [`polling every ${pollInterval} ms, where nothing can be watched`, polled],
  ]) {
    const shares = [0.5, 0.9, 0.99, 1].map((share) => quantile(latencies, share).toFixed(1))
    rows.push([title, latencies.length, ...shares])
  }
  const bars = [
    atMost('watching: median', quantile(watched, 0.5), 20, ' ms'),
    atMost('polling: longest', quantile(polled, 1), pollInterval, ' ms'),
  ]
  return {
    title: `From a write’s return to all of ${processes} processes deciding by it`,
    rows,
    bars,
    raw: { watched, polled },
  }
}

/** Milliseconds for each of `count` changes. Below zero: the last process knew before the writer was told. */
async function changes(count, interval, watching) {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-bench-'))
  const stateFilePath = join(folder, 'state.json')
  const writer = createMaintenance({ stateFilePath })
  await writer.setMode('off')
  const deciding = Array.from({ length: processes }, () => {
    return forkNode('file-process.mjs', { args: [stateFilePath, interval, watching], pin: [] })
  })
  try {
    await Promise.all(deciding.map(resultOf))
    const latencies = []
    for (let i = 0; i < count; i++) {
      // At no fixed point of anybody's interval.
      await delay(20 + Math.random() * (watching === 'blind' ? pollInterval : 60))
      const [mode, action] = i % 2 === 0 ? ['on', 'block'] : ['off', 'allow']
      const told = Promise.all(deciding.map((child) => decided(child, action)))
      await writer.setMode(mode)
      const written = monotonic()
      latencies.push(Math.max(...(await told)) - written)
    }
    return latencies
  } finally {
    for (const child of deciding) child.disconnect()
    await writer.close()
    rmSync(folder, { recursive: true })
  }
}

/** When the process first said that it decides so. */
function decided(child, action) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`A process does not decide "${action}" after 10 s.`)), 10_000)
    child.on('message', function listen(message) {
      if (message.action !== action) return
      clearTimeout(late)
      child.off('message', listen)
      resolve(message.at)
    })
  })
}
