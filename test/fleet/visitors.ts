import { Agent, request } from 'node:http'
import type { TestInstance } from './instances.js'

/** One answer, or what came instead of it. */
export interface Visit {
  path: string
  visitor: string
  began: number
  ended: number
  /** 0: it was cut. */
  status: number
  /** Whether maintenance mode has answered. */
  refused: boolean
  retryAfter: number
  problem: string | undefined
}

export interface Visitors {
  readonly visits: readonly Visit[]
  /** Instances among which requests are spread, as by a load balancer: one that cannot be reached is left out. */
  instances: TestInstance[]
  /** Which of them have lost their power. */
  readonly gone: Set<TestInstance>
  /** Resolves when all that was asked is answered. */
  stop(): Promise<void>
}

const addresses = Array.from({ length: 200 }, (_, index) => `203.0.113.${index}`)

/** Visitors who never stop coming: so many at a time, each with an address of their own, from then on until `stop`. */
export function sendVisitors(instances: TestInstance[], atOnce: number, paths: readonly string[]): Visitors {
  const agent = new Agent({ keepAlive: true })
  const visits: Visit[] = []
  let stopped = false
  let turn = 0
  const gone = new Set<TestInstance>()
  const visitors: Visitors = { visits, instances, gone, stop }

  async function visit(): Promise<void> {
    const count = turn++
    const path = paths[count % paths.length] as string
    const visitor = addresses[count % addresses.length] as string
    const began = Date.now()
    for (let tried = 0; ; tried++) {
      const instance = visitors.instances[(count + tried) % visitors.instances.length] as TestInstance
      const answer = await ask(agent, instance.url + path, visitor)
      // A balancer asks another one where one is gone before it has answered.
      if (answer.status === 0 && gone.has(instance) && tried < visitors.instances.length) continue
      visits.push({ path, visitor, began, ended: Date.now(), ...answer })
      return
    }
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      await visit()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  const loops = Array.from({ length: atOnce }, loop)
  async function stop(): Promise<void> {
    stopped = true
    await Promise.all(loops)
    agent.destroy()
  }
  return visitors
}

function ask(
  agent: Agent,
  url: string,
  visitor: string,
): Promise<Pick<Visit, 'status' | 'refused' | 'retryAfter' | 'problem'>> {
  return new Promise((resolve) => {
    const cut = (error: Error): void =>
      resolve({ status: 0, refused: false, retryAfter: 0, problem: `${url}: ${error.message}` })
    const asked = request(url, { agent, headers: { 'x-forwarded-for': visitor } }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      answer.on('error', cut)
      answer.on('end', () => {
        const { statusCode: status = 0, headers } = answer
        const refused = headers['maintenance-mode'] !== undefined
        const problem = status === 200 || refused ? undefined : `${url}: ${status} ${body}`
        resolve({ status, refused, retryAfter: Number(headers['retry-after'] ?? 0), problem })
      })
    })
    asked.on('error', cut).end()
  })
}
