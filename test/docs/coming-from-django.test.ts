import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { variableOf } from '../../src/settings/environment.js'
import { settingsTable } from '../../src/settings/table.js'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/coming-from-django.md'), 'utf8')
const [settings = '', features = '', tests = ''] = page.split(/^## /m).slice(1)

/** The cells of each row. */
const rowsOf = (section: string): string[][] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.slice(2, -2).split(/(?<!\\) \| /))
const filesIn = (cell: string | undefined): string[] => cell?.match(/test\/[\w./-]+\.test\.ts/g) ?? []

/** As in its README, and the one that only its code knows. */
const originalSettings = [
  ...['', '_STATE_BACKEND', '_STATE_FILE_NAME', '_STATE_FILE_PATH', '_CACHE_BACKEND', '_STATE_BACKEND_FALLBACK_VALUE'],
  ...['_GET_CLIENT_IP_ADDRESS', '_GET_AUTHENTICATED_USER', '_GET_CONTEXT', '_IGNORE_ADMIN_SITE'],
  ...['_IGNORE_ANONYMOUS_USER', '_IGNORE_AUTHENTICATED_USER', '_IGNORE_STAFF', '_IGNORE_SUPERUSER'],
  ...['_IGNORE_IP_ADDRESSES', '_IGNORE_URLS', '_IGNORE_TESTS', '_REDIRECT_URL', '_RESPONSE_TYPE', '_RETRY_AFTER'],
  ...['_LOGOUT_AUTHENTICATED_USER', '_LOGOUT_STAFF_USER', '_LOGOUT_SUPERUSER', '_STATUS_CODE', '_TEMPLATE'],
].map((name) => `MAINTENANCE_MODE${name}`)
const notCarriedOver = ['MAINTENANCE_MODE_STATE_FILE_NAME', 'MAINTENANCE_MODE_CACHE_BACKEND']

describe('the settings', () => {
  const named = new Map(
    rowsOf(settings).flatMap(([there, here]) =>
      [...(there ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => [name as string, here as string] as const),
    ),
  )

  it.each(originalSettings)('%s is on the page, and carried over as that says', (variable) => {
    const short = variable.replace(/^MAINTENANCE_MODE_/, '')
    const here = named.get(short)
    expect(here).toBeDefined()
    const setting = settingsTable.find(({ name }) => variableOf(name) === variable)
    if (notCarriedOver.includes(variable)) expect([setting, here]).toEqual([undefined, '–'])
    else expect(here === 'the same, camelCased' || here?.includes(`\`${setting?.name}\``)).toBe(true)
  })

  it('are those of the original and no others', () => {
    expect(
      [...named.keys()].map((name) => (name === 'MAINTENANCE_MODE' ? name : `MAINTENANCE_MODE_${name}`)).sort(),
    ).toEqual([...originalSettings].sort())
  })
})

it('every setting and feature names the tests that prove it', () => {
  const rows = [...rowsOf(settings), ...rowsOf(features)]
  expect(rows.length).toBeGreaterThan(30)
  for (const [there, , , proof] of rows) {
    expect(filesIn(proof), there).not.toEqual([])
    for (const file of filesIn(proof)) expect(existsSync(join(root, file)), `${there}: ${file}`).toBe(true)
  }
})

describe('the tests of the original', () => {
  const rows = rowsOf(tests)

  it('are all there, once and in order', () => {
    expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: 69 }, (_, index) => index + 1))
  })

  it.each(rows)('%s. %s', (number, _name, here) => {
    const [file = 'none', ...more] = filesIn(here)
    expect(more).toEqual([])
    expect(readFileSync(join(root, file), 'utf8').split(`\nit('${number}. `)).toHaveLength(2)
  })
})
