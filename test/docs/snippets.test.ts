import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const visit = fileURLToPath(new URL('fixtures/visit.mjs', import.meta.url))
const cli = join(root, 'dist/cli/main.js')

interface Snippet {
  page: string
  line: number
  language: string
  code: string
}

const pages = ['README.md', ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${name}`)]
const written = pages.filter((page) => page.endsWith('.md')).flatMap(snippetsOf)
/** Files of an example: they run there, and are shown as they are. */
const shown = written.filter((snippet) => existsSync(exampleFile(snippet)))
const snippets = written.filter((snippet) => !shown.includes(snippet))

const loggers = ['pino', 'pino-http', 'winston', 'morgan', '@sentry/node']
const meters = ['prom-client', '@opentelemetry']
const clients = ['redis', 'ioredis', 'iovalkey', 'pg', 'postgres', 'mysql2', 'better-sqlite3', 'libsql', '@nats-io']
clients.push('@aws-sdk', 'unstorage', 'keyv', 'cache-manager')
const frameworks = ['express', 'fastify', 'koa', '@koa', 'hono', '@hono', '@nestjs', 'reflect-metadata', 'rxjs', 'h3']
frameworks.push('ws', 'socket.io', '@trpc', 'graphql', 'graphql-yoga', '@apollo')

/** A project of a user's: the package and its peers installed, nothing else. */
let project: string

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'maintenance-mode-docs-'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "scripts": { "migrate": "node --version" } }')
  mkdirSync(join(project, 'node_modules/@sentry'), { recursive: true })
  symlinkSync(root, join(project, 'node_modules/maintenance-mode'))
  for (const name of [...loggers, ...meters, ...clients, ...frameworks, 'liquidjs', '@types']) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
  }
})

// What an earlier snippet closes or plans would close the site to the next one, and its instances are lost.
beforeEach(() => {
  for (const name of ['', '.instances']) {
    rmSync(join(project, `.maintenance-mode.json${name}`), { recursive: true, force: true })
  }
})

afterAll(() => rmSync(project, { recursive: true }))

describe('every snippet of the docs runs as it stands', () => {
  for (const [index, { page, line, language, code }] of snippets.entries()) {
    if (language === 'js') {
      it(`${page}:${line}`, async () => {
        const file = join(project, `snippet-${index}.js`)
        writeFileSync(file, code)
        const { stdout, stderr } = await run(process.execPath, ['--import', visit, file], {
          cwd: project,
          timeout: 15_000,
        })
        expect(stderr).toBe('')
        for (const told of expectedOutput(code)) expect(stdout).toContain(told)
        if (code.includes('.listen(')) expect(stdout).toMatch(/^GET \/ 200$/m)
      })
    }
    // All but the one that asks.
    const commands = code.split('\n').filter((one) => /^npx maintenance-mode (?!init)/.test(one))
    if (language === 'sh' && commands.length > 0) {
      it(`${page}:${line}`, async () => {
        for (const command of commands) {
          const args = command.replace('npx maintenance-mode', `${process.execPath} ${cli}`)
          await run('sh', ['-c', args], { cwd: project, timeout: 15_000 })
        }
      })
    }
  }

  it('and what is TypeScript is sound', async () => {
    const typed = snippets.filter(({ language }) => language === 'ts')
    expect(typed.length).toBeGreaterThan(0)
    const files = typed.map(({ code }, index) => {
      writeFileSync(join(project, `typed-${index}.ts`), code)
      return `typed-${index}.ts`
    })
    const options = ['--noEmit', '--strict', '--target', 'ES2023', '--lib', 'ES2023,ESNext.Disposable,DOM']
    const modules = ['--module', 'NodeNext', '--skipLibCheck', '--types', 'node']
    const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), [...options, ...modules, ...files], {
      cwd: project,
    })
    expect(stdout).toBe('')
  })
})

describe('the docs', () => {
  it('show the files of the examples as they are', () => {
    for (const snippet of shown) {
      const [, ...lines] = snippet.code.split('\n')
      expect(lines.join('\n').trim(), `${snippet.page}:${snippet.line}`).toBe(
        readFileSync(exampleFile(snippet), 'utf8').trim(),
      )
    }
  })

  it('link to pages that are there', () => {
    const dead = pages
      .filter((page) => page.endsWith('.md'))
      .flatMap((page) => {
        const text = readFileSync(join(root, page), 'utf8')
        const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g)].map(([, link]) => link as string)
        return links
          .filter((link) => !pages.concat(rootFiles()).includes(join(page, '..', link)))
          .map((link) => `${page} → ${link}`)
      })
    expect(dead).toEqual([])
  })
})

/** Where the example has the file that the first line of a snippet names. */
function exampleFile({ page, code }: Snippet): string {
  const [, name = '-'] = /^docs\/adapters\/([\w-]+)\.md$/.exec(page) ?? []
  const [, path = '-'] = /^\/\/ (\S+\.\w+)\n/.exec(code) ?? []
  return join(root, 'examples', name, path)
}

function rootFiles(): string[] {
  return readdirSync(root)
}

/** What a snippet says in comments that it prints: `console.log(x) // 'on'`. */
function expectedOutput(code: string): string[] {
  return [...code.matchAll(/^console\.log\(.*\/\/ (.+)$/gm)].map(([, told]) => (told as string).replaceAll("'", ''))
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language,
    code,
  }))
}
