import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMaintenance, type Maintenance } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bearer, json, listen, stop, token } from './site.js'

// The server block of docs/nginx.md as it stands, with other ports and another folder.
const [, documented = ''] = /```nginx\n(.*?)```/s.exec(readFileSync('docs/nginx.md', 'utf8')) ?? []

let folder: string
let maintenance: Maintenance
let app: Server
let appPort: string
let nginx: ChildProcess
let base: string

beforeAll(async () => {
  const settings = {
    stateBackend: memoryBackend(),
    adminToken: token,
    trustProxy: ['loopback'],
    ignoreUrls: ['/open/**', 'POST /webhooks/**'],
    ignoreIpAddresses: ['203.0.113.7'],
    silence: ['memory-backend', 'state-backend-in-code'],
  }
  maintenance = createMaintenance(settings, { environment: {} })
  const controls = maintenanceControls(maintenance)
  app = createServer(
    withMaintenanceMode(maintenance, (req, res) => controls(req, res, () => res.writeHead(404).end('no such page'))),
  )
  appPort = new URL(await listen(app)).port

  folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-nginx-'))
  const files = { 'index.html': 'a file', 'open/file.txt': 'an open file', 'maintenance.html': 'The app is away.' }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'www', name, '..'), { recursive: true })
    writeFileSync(join(folder, 'www', name), text)
  }
  // Started by root, nginx drops its rights: the files must be there for all.
  chmodSync(folder, 0o755)
  // Somebody else may have taken the port in between.
  base = await startNginx().catch(startNginx)
})

afterAll(async () => {
  if (nginx.exitCode === null) {
    nginx.kill()
    await new Promise((resolve) => nginx.on('exit', resolve))
  }
  await maintenance.close()
  await stop(app)
  rmSync(folder, { recursive: true })
})

beforeEach(() => maintenance.setMode('off').then(() => {}))

/** nginx cannot be given port 0, so a free one is looked for first. */
async function startNginx(): Promise<string> {
  const probe = createServer()
  const { port } = new URL(await listen(probe))
  await stop(probe)
  const server = documented
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('/srv/www', join(folder, 'www'))
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${appPort}`)
  const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; types { text/html html; } ${bodies.join(' ')}
${server} }`,
  )
  nginx = spawn('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')])
  for (let tries = 0; tries < 100 && nginx.exitCode === null; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/`).then(
        ({ headers }) => headers.get('server')?.startsWith('nginx') === true,
        () => false,
      )
    )
      return `http://127.0.0.1:${port}`
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nginx does not answer: ${readFileSync(join(folder, 'error.log'), 'utf8')}`)
}

const get = (path: string, init: RequestInit = {}) => fetch(base + path, { redirect: 'manual', ...init })

describe('a real nginx with the server block of the docs', () => {
  test('serves its files while the site is open', async () => {
    const answer = await get('/')
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('a file')
  })

  test('answers 503 with the app’s page and Retry-After while it is closed', async () => {
    await maintenance.setMode('on', { reason: 'Upgrade', expectedEnd: new Date(Date.now() + 1_800_000) })
    const page = await get('/', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(503)
    expect(page.headers.get('maintenance-mode')).toBe('on')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(1790)
    expect(await page.text()).toContain('Upgrade')
    const problem = await get('/index.html', { headers: { accept: 'application/json' } })
    expect(problem.status).toBe(503)
    expect(await problem.json()).toMatchObject({ status: 503, mode: 'on' })
  })

  test('serves what the rules let through: by path, by method, by address', async () => {
    await maintenance.setMode('on')
    expect(await (await get('/open/file.txt')).text()).toBe('an open file')
    expect((await get('/webhooks/pay')).status).toBe(503)
    // nginx itself takes no POST for a file: it was let through.
    expect((await get('/webhooks/pay', { method: 'POST' })).status).not.toBe(503)
    expect((await get('/', { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(503)
  })

  test('no client can name another request', async () => {
    await maintenance.setMode('on')
    const headers = { 'x-original-method': 'GET', 'x-original-uri': '/open/file.txt' }
    expect((await get('/', { headers })).status).toBe(503)
    expect((await get('/maintenance-mode/check', { headers })).status).toBe(503)
    expect((await get('/maintenance-check', { headers })).status).toBe(404)
  })

  test('is switched through nginx itself, by whom it names', async () => {
    const post = (path: string) => get(`/maintenance-mode/${path}`, { method: 'POST', headers: { ...json, ...bearer } })
    expect((await post('on')).status).toBe(200)
    expect(maintenance.status().windows).toMatchObject([{ by: 'token', from: 'control@127.0.0.1' }])
    expect((await get('/')).status).toBe(503)
    expect((await post('off')).status).toBe(200)
    expect((await get('/')).status).toBe(200)
  })

  test('answers 503 with a page of its own while the app is down', async () => {
    await stop(app)
    const answer = await get('/')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('120')
    expect(await answer.text()).toBe('The app is away.')
  })
})
