import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StateDamagedError } from '../../src/errors.js'
import { createDocument, parseDocument, parseNews, revisionOf, serializeDocument } from '../../src/state/document.js'
import { effectiveMode } from '../../src/state/effective-mode.js'
import { openByHand } from '../../src/state/transitions.js'
import type { HistoryEntry } from '../../src/state/window.js'
import { at, documentOf, leaseOf, minute, windowOf } from './windows.js'

const modeOf = (stored: string, now = minute(5)) => effectiveMode(parseDocument(stored), now).mode

const entry = (note: string): HistoryEntry => ({
  ...{
    at: at(0),
    action: 'open',
    window: 'manual',
    mode: 'on',
    scope: '*',
    start: at(0),
    by: 'ann',
    from: 'cli@web-1',
  },
  note,
})
const lived = { ...documentOf(windowOf()), history: [entry('one'), entry('two\n  "tokens": []'), entry('“three”')] }

describe('a document', () => {
  it('comes back as it was written', () => {
    const document = documentOf(windowOf({ reason: 'Umzug “heute”\n⏱' }), leaseOf('web-1'))
    expect(parseDocument(serializeDocument(document))).toEqual(document)
  })

  it('is text that a person can read, and ends with a newline', () => {
    expect(serializeDocument(documentOf(windowOf()))).toMatch(/^\{\n {2}"format": 1,\n[\s\S]*\n\}\n$/)
  })

  it('has an entry of its history on each line, and the history at its end', () => {
    const lines = serializeDocument({ ...lived, told: { scopes: {}, announced: [] } }).split('\n')
    expect(lines.slice(-7)).toEqual([
      '  "history": [',
      ...lived.history.map((one, i) => `    ${JSON.stringify(one)}${i < 2 ? ',' : ''}`),
      '  ]',
      '}',
      '',
    ])
  })

  it('begins with an id of its own, and revision 0', () => {
    const [one, other] = [createDocument(''), createDocument('')]
    expect(one.id).not.toBe(other.id)
    expect(one.revision).toBe(0)
  })

  it('may have been edited by hand: a byte order mark, Windows newlines, offsets, and only what is needed', () => {
    const stored = `\uFEFF{"format":1,\r\n"id":"x","key":"","revision":3,\r\n"windows":[
      {"id":"manual","origin":"manual","mode":"on","scope":"*","start":"2026-03-01T13:00:00+01:00","end":"2026-03-01T12:10Z"}
    ]}\r\n\r\n`
    expect(parseDocument(stored).windows[0]).toMatchObject({ by: 'unknown', from: 'unknown' })
    expect([modeOf(stored, minute(0)), modeOf(stored, minute(10))]).toEqual(['on', 'off'])
    expect(revisionOf(stored)).toBe(3)
  })

  it('keeps over a write what a later version has added', () => {
    const window = { ...windowOf(), colour: 'lilac', fade: { from: at(9), until: at(19) } }
    const stored = { ...documentOf(window), motto: { text: 'later' }, passes: [{ name: 'ann' }] }
    const document = parseDocument(JSON.stringify(stored))
    const { document: next } = openByHand(
      document,
      { id: 'manual', mode: 'on', scope: '*', reason: 'x' },
      { by: 'a', from: 'b' },
      minute(5),
    )
    const written = JSON.parse(serializeDocument(next))
    expect(written).toMatchObject({ motto: { text: 'later' }, passes: [{ name: 'ann' }] })
    expect(written.windows).toEqual([{ ...window, reason: 'x' }])
  })

  it('of a newer format is honoured as far as it is understood, and not written', () => {
    const stored = JSON.stringify({ ...documentOf(windowOf({ mode: 'lilac' })), format: 2 })
    expect(modeOf(stored)).toBe('on')
    expect(() => serializeDocument(parseDocument(stored))).toThrow(
      expect.objectContaining({
        code: 'ERR_MAINTENANCE_STATE_NEWER',
        message: expect.stringMatching(/format 2.*writes format 1.*Upgrade/),
      }),
    )
  })
})

describe("the Python original's content", () => {
  it.each(['0', '0\n', ' 0 ', '\uFEFF0'])('%j is off', (stored) => {
    expect(modeOf(stored)).toBe('off')
  })

  it.each(['1', '1\n', '\r\n1\r\n', '\t1'])('%j is on, with an open end', (stored) => {
    expect(modeOf(stored)).toBe('on')
    expect(effectiveMode(parseDocument(stored), minute(5)).until).toBeUndefined()
  })

  it.each([
    [{ start: at(0), end: at(10) }, ['off', 'on', 'off']],
    [{ start: at(0), end: null }, ['off', 'on', 'on']],
    [{ start: null, end: at(10) }, ['on', 'on', 'off']],
    [{ end: at(10) }, ['on', 'on', 'off']],
    [{ start: '2026-03-01T13:00:00.123456+01:00', end: '2026-03-01T13:10:00+01:00' }, ['off', 'on', 'off']],
  ])('%j is on from its start to its end', (schedule, modes) => {
    for (const stored of [JSON.stringify(schedule), `${JSON.stringify(schedule, null, 2)}\n`]) {
      expect([minute(0) - 1, minute(1), minute(10)].map((now) => modeOf(stored, now))).toEqual(modes)
    }
  })

  it('is another state as soon as the text is another one, and has no revision', () => {
    const [off, on] = [parseDocument('0'), parseDocument('1\n')]
    expect(off.id).not.toBe(on.id)
    expect(on.id).toBe(parseDocument('1').id)
    expect([off.revision, revisionOf('1')]).toEqual([0, 0])
  })

  it.each([
    '{}',
    '{"start":null,"end":null}',
    '{"start":"soon"}',
    '{"start":"2026-03-01T12:00:00Z","stop":"2026-03-01T13:00:00Z"}',
    '2',
    '00',
    '1.0',
    'True',
    'on',
  ])('%j is refused, as there', (stored) => {
    expect(() => parseDocument(stored)).toThrow(StateDamagedError)
  })
})

describe('a damaged document', () => {
  const without = (name: string) => ({ ...documentOf(), [name]: undefined })
  const withWindow = (part: object) => ({ ...documentOf(), windows: [{ ...windowOf(), ...part }] })
  it.each([
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    ['{"format": 1, "id', 'it is not JSON ('],
    ['[]', 'Expected'],
    ['null', 'Expected'],
    ['"on"', 'Expected'],
    [without('format'), '"format": '],
    [without('id'), '"id": '],
    [without('revision'), '"revision": '],
    [{ ...documentOf(), revision: 0 }, '"revision": '],
    [{ ...documentOf(), revision: 2 ** 53 }, '"revision": '],
    [{ ...documentOf(), format: 0.5 }, '"format": '],
    [{ ...documentOf(), windows: {} }, '"windows": '],
    [withWindow({ start: '2026-03-01' }), '"windows.0.start": is not an ISO 8601 instant'],
    [withWindow({ end: '2026-99-01T00:00Z' }), '"windows.0.end": is not an ISO 8601 instant'],
    [withWindow({ reason: 5 }), '"windows.0.reason": '],
    [withWindow({ mode: undefined }), '"windows.0.mode": '],
    [{ ...documentOf(), history: 'none' }, '"history": '],
  ])('%j says where and why', (stored, reason) => {
    const text = typeof stored === 'string' ? stored : JSON.stringify(stored)
    expect(() => parseDocument(text)).toThrow(StateDamagedError)
    expect(() => parseDocument(text)).toThrow(reason)
    expect(revisionOf(text)).toBe(0)
  })

  it('is one or is none: whatever the text, there is a document or that error', () => {
    const fields = fc.constantFrom('format', 'id', 'key', 'revision', 'windows', 'history', '__proto__', 'start', 'end')
    const value = fc.oneof(fc.jsonValue(), fc.constant(1), fc.array(fc.constant(windowOf())), fc.constant(at(0)))
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.dictionary(fields, value).map((part) => JSON.stringify({ ...documentOf(windowOf()), ...part })),
      fc.nat(200).map((length) => serializeDocument(documentOf(windowOf())).slice(0, length)),
    )
    fc.assert(
      fc.property(text, (stored) => {
        try {
          expect(Array.isArray(parseDocument(stored).windows)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(StateDamagedError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the news of a change', () => {
  it.each([
    ['as it is written', serializeDocument],
    ['with nothing in its history', () => serializeDocument(documentOf(windowOf()))],
    ['on one line', (document: object) => JSON.stringify(document)],
    ['indented', (document: object) => JSON.stringify(document, null, 2)],
    [
      'with something after the history',
      (document: object) => `${JSON.stringify({ ...document, tokens: [1] }, order, 2)}\n`,
    ],
    [
      'with all of it on lines of their own',
      (document: object) => JSON.stringify({ ...document, tokens: [1] }, order).replaceAll(',', ',\n'),
    ],
    ['of the Python original', () => '1'],
  ])('is the same document, %s', (_, write) => {
    const stored = write(lived)
    const news = parseNews(stored)
    const { history } = news
    parseNews('0')
    expect({ ...news }).toEqual(parseDocument(stored))
    expect(history).toEqual(parseDocument(stored).history)
  })

  it('tells what closes the site where the history is damaged, which is nothing to build on', () => {
    const stored = serializeDocument(lived).replace('"by":"ann"', '"by":ann')
    expect(parseNews(stored)).toMatchObject({ windows: lived.windows, history: [] })
    expect(() => parseDocument(stored)).toThrow(StateDamagedError)
  })

  it('is none where anything else is damaged', () => {
    const stored = serializeDocument(lived)
    for (const damaged of [
      stored.slice(0, -2),
      stored.replace('"windows"', '"doors"'),
      `${stored}.`,
      stored.slice(1),
    ]) {
      expect(() => parseNews(damaged)).toThrow(StateDamagedError)
    }
  })
})

const order = [
  'format',
  'id',
  'key',
  'revision',
  'windows',
  'history',
  'tokens',
  ...Object.keys(windowOf()),
  ...Object.keys(entry('')),
]
