import type { ModeOptions } from '../mode-options.js'
import { parseDuration } from '../settings/duration.js'
import { didYouMean } from '../settings/nearest.js'
import { type Mode, modes } from '../state/window.js'
import { ControlFailure } from './failure.js'

/** The longest body that is read of who closes or reopens, in bytes. */
export const bodyLimit: number = 16 * 1024

/** What came with a request: its text, or what a body parser of the app has made of it. */
export type ControlBody = string | Fields

export type Fields = Readonly<Record<string, unknown>>

const known = {
  on: ['mode', 'scope', 'reason', 'for', 'end', 'expectedEnd', 'note'],
  off: ['scope', 'all', 'ramp'],
} as const

/** Nobody would see that what stands in the query was dropped: a site closed without its end, for one. */
export function assertNoQuery(url: string): void {
  if (/\?./.test(url)) throw badRequest('The fields belong in the body, not in the query of the address.')
}

/** @throws ControlFailure for what is neither JSON nor a form */
export function parseBody(body: ControlBody, contentType: string | undefined): Fields {
  return typeof body === 'string' ? parseText(body, contentType) : body
}

/** What a change asks for. */
export interface Asked {
  mode: Mode
  options: ModeOptions
}

/**
 * What a change asks for. In a form an empty field is one that was not filled in; in JSON `null` takes a value away.
 *
 * @throws ControlFailure, TimeError
 */
export function readAsked(change: 'on' | 'off', given: Fields, now: number): Asked {
  const fields = readFields(given, known[change])
  if (change === 'off') return { mode: 'off', options: { ...fields, all: readFlag('all', fields.all) } }
  const { mode = 'on', for: duration, ...options } = fields
  if (!isClosing(mode)) throw badRequest(`The field \`mode\` must be one of ${closing.join(', ')}.`)
  if (duration === undefined) return { mode, options }
  if (options.end !== undefined) throw badRequest('Give `for` or `end`, not both: each says when the site reopens.')
  return { mode, options: { ...options, end: new Date(now + parseDuration(duration as string)) } }
}

const closing: readonly Mode[] = modes.filter((mode) => mode !== 'off')

function isClosing(mode: unknown): mode is Mode {
  return closing.includes(mode as Mode)
}

export function bodyTooLong(limit: number): ControlFailure {
  return new ControlFailure('too-long', `The body is longer than the ${limit} bytes that are read here. Write less.`)
}

export function bodyAlreadyRead(): ControlFailure {
  return badRequest(
    'The body was read before maintenanceControls, and nothing of it is left. Mount it before what reads bodies.',
  )
}

function readFields(entries: Fields, names: readonly string[]): Fields {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(entries)) {
    // `_csrf` and the like: an app's own form may have to carry them.
    if (name.startsWith('_')) continue
    if (!names.includes(name)) {
      throw badRequest(`Unknown field \`${name}\`.${didYouMean(name, names)} Known: ${names.join(', ')}.`)
    }
    if (typeof value !== 'string') fields[name] = value
    // Browsers send the line breaks of a form as CRLF.
    else if (value.trim() !== '') fields[name] = value.replaceAll('\r\n', '\n')
  }
  return fields
}

function parseText(text: string, contentType = ''): Fields {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase()
  if (text.trim() === '') return {}
  if (type === 'application/json') return parseJson(text)
  if (type === 'application/x-www-form-urlencoded') return parseForm(text)
  throw new ControlFailure(
    'unsupported-type',
    `The body is ${type ? `of type ${JSON.stringify(type)}` : 'of no type'}: send application/json or application/x-www-form-urlencoded.`,
  )
}

function parseJson(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  } catch {}
  throw badRequest('The body is not a JSON object. Write for example {"reason":"Upgrading the database","for":"30m"}.')
}

function parseForm(text: string): Fields {
  const entries = [...new URLSearchParams(text)]
  const fields = Object.fromEntries(entries)
  if (Object.keys(fields).length === entries.length) return fields
  throw badRequest('A field is there twice. Send each once.')
}

function readFlag(name: string, value: unknown): boolean {
  if (value === undefined || value === false || value === 'false') return false
  if (value === true || value === 'true' || value === 'on') return true
  throw badRequest(`The field \`${name}\` must be true or false.`)
}

function badRequest(detail: string): ControlFailure {
  return new ControlFailure('bad-request', detail)
}
