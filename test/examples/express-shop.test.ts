import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-shop-'))
const environment = { ...process.env, PORT: '0', MAINTENANCE_MODE_STATE_FILE_PATH: join(folder, 'state.json') }

let shop: ChildProcess
let site = ''

const command = (...args: string[]) =>
  execute(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { cwd: root, env: environment })

/** Asks until the answer has the status: the change reaches the shop a moment after the command has returned. */
async function until(status: number, path = '/'): Promise<Response> {
  for (;;) {
    const answer = await fetch(`${site}${path}`)
    if (answer.status === status) return answer
    await answer.body?.cancel()
  }
}

async function signIn(name: string): Promise<string> {
  const body = new URLSearchParams({ username: name, password: name })
  const { status, headers } = await fetch(`${site}/sign-in`, { method: 'POST', body, redirect: 'manual' })
  expect([status, headers.get('location')]).toEqual([302, '/'])
  return (headers.get('set-cookie') as string).split(';')[0] as string
}

const as = (cookie: string) => ({ headers: { cookie } })

beforeAll(async () => {
  shop = spawn(process.execPath, ['examples/express-shop/server.js'], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  while (!site) {
    const [chunk] = await once(shop.stdout as NonNullable<typeof shop.stdout>, 'data')
    said += chunk
    site = /page\s+(http\S+?)\/\n/.exec(said)?.[1] ?? ''
  }
})

afterAll(async () => {
  shop.kill()
  await once(shop, 'exit')
  rmSync(folder, { recursive: true })
})

describe('the demo shop', () => {
  it('closes by the command that it prints, and comes back', async () => {
    expect((await fetch(site)).status).toBe(200)
    const { stdout } = await command('on', '--reason', 'Upgrading the database', '--for', '30m')
    expect(stdout).toContain('Upgrading the database')
    expect(stdout).toContain(join(folder, 'state.json'))

    const page = await until(503)
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(1750)
    expect(Number(page.headers.get('retry-after'))).toBeLessThanOrEqual(1981)
    expect(await page.text()).toContain('Upgrading the database')
    expect((await fetch(`${site}/healthz`)).status).toBe(200)
    const orders = await fetch(`${site}/api/orders`, { headers: { accept: 'application/json' } })
    expect([orders.status, orders.headers.get('content-type')]).toEqual([
      503,
      'application/problem+json; charset=utf-8',
    ])
    expect(await orders.json()).toMatchObject({ detail: 'Upgrading the database', mode: 'on', processed: false })

    await command('off')
    await until(200)
  })

  it('reads and writes through its JSON API', async () => {
    const body = JSON.stringify({ product: 2 })
    const headers = { 'content-type': 'application/json' }
    const order = await fetch(`${site}/api/orders`, { method: 'POST', body, headers })
    expect([order.status, await order.json()]).toEqual([201, expect.objectContaining({ product: 2 })])
    expect(await (await fetch(`${site}/api/orders`)).json()).toHaveLength(1)
  })

  it('lets staff through with a banner, also those who sign in meanwhile, and nobody else', async () => {
    const customer = await signIn('nora')
    expect(await (await fetch(site, as(customer))).text()).not.toContain('Maintenance mode is on')
    await command('on')
    await until(503)
    const staff = await signIn('stan')
    const page = await fetch(site, as(staff))
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
    expect(await page.text()).toContain('Maintenance mode is on')
    expect((await fetch(`${site}/admin`, as(staff))).status).toBe(200)
    expect((await fetch(site, as(customer))).status).toBe(503)
    await command('off')
    await until(200)
  })

  it('has one view that is always open and one that is always closed', async () => {
    expect((await fetch(`${site}/beta`)).status).toBe(503)
    await command('on')
    await until(503)
    expect((await fetch(`${site}/webhook`, { method: 'POST' })).status).toBe(200)
    expect((await fetch(`${site}/beta`, as(await signIn('susan')))).status).toBe(503)
    await command('off')
    await until(200)
  })

  it('is switched by a superuser at its control URL, and by nobody else', async () => {
    const headers = async (name: string) => ({ cookie: await signIn(name), origin: site, accept: 'application/json' })
    const switchOn = async (name: string) =>
      (await fetch(`${site}/maintenance-mode/on`, { method: 'POST', headers: await headers(name) })).status
    expect(await switchOn('stan')).toBe(403)
    expect(await switchOn('susan')).toBe(200)
    expect((await fetch(site)).status).toBe(503)
    const off = await fetch(`${site}/maintenance-mode/off`, { method: 'POST', headers: await headers('susan') })
    expect(off.status).toBe(200)
    expect((await fetch(site)).status).toBe(200)
  })
})
