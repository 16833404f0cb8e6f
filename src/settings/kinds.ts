import * as v from 'valibot'
import { messageOf } from '../errors.js'
import { modes } from '../state/window.js'
import { warningNames } from '../telemetry/warnings.js'
import { parseDuration } from './duration.js'
import { booleanFromText, listFromText, wordFromText } from './from-text.js'
import { assertTimezone } from './instant.js'
import { didYouMean } from './nearest.js'

/** One kind of value that settings take: how it is checked, how it is read from text, and how it is told to people. */
export interface Kind {
  /** The TypeScript type of the option. */
  readonly optionType: string
  /** The TypeScript type once resolved. */
  readonly resolvedType: string
  /** What is expected, for messages. */
  readonly expects: string
  /** The value itself is never shown. */
  readonly secret?: boolean
  /** Whether `./file.js#exportName` stands for what that file exports. */
  readonly loads?: boolean
  /** @throws Error whose message says what to write instead. */
  parse(value: unknown): unknown
  /** A value from the environment. */
  fromText(text: string): unknown
}

function kind(
  definition: Pick<Kind, 'optionType' | 'expects'> &
    Partial<Kind> & { schema: v.GenericSchema; hint?: (value: unknown) => string | undefined },
): Kind {
  const { schema, hint, expects, optionType, resolvedType = optionType, secret = false, loads = false } = definition
  return {
    optionType,
    resolvedType,
    expects,
    secret,
    loads,
    fromText: definition.fromText ?? ((text) => text),
    parse(value) {
      const result = v.safeParse(schema, value)
      if (result.success) return result.output
      const told = hint?.(value) ?? (result.issues[0].type === 'raw_transform' ? result.issues[0].message : undefined)
      throw new Error(told ?? `write ${expects}`)
    },
  }
}

/** `*`, the whole site, is none of them. */
const scopeName = /^[\w.:-]{1,100}$/

/** A reader that throws, as a step of a schema. */
function tried<Input, Output>(read: (value: Input) => Output): v.RawTransformAction<Input, Output> {
  return v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return read(dataset.value)
    } catch (error) {
      addIssue({ message: messageOf(error) })
      return NEVER
    }
  })
}

export const boolean: Kind = kind({
  optionType: 'boolean',
  expects: 'true or false',
  schema: v.boolean(),
  fromText: booleanFromText,
  hint: (value) =>
    typeof value === 'string' && booleanFromText(value) !== value
      ? `write ${booleanFromText(value)}, without quotes`
      : undefined,
})

export const booleanOrInherit: Kind = { ...boolean, resolvedType: 'boolean | undefined' }

const modeText: Readonly<Record<string, string>> = { true: 'on', false: 'off' }

export const mode: Kind = kind({
  optionType: 'Mode | boolean',
  resolvedType: 'Mode | undefined',
  expects: "'off', 'on', 'read-only' or 'hold' (or true or false)",
  schema: v.pipe(
    v.union([v.picklist(modes), v.boolean()]),
    v.transform((value) => modeText[String(value)] ?? value),
  ),
  fromText: booleanFromText,
  hint: (value) =>
    typeof value === 'string' && booleanFromText(value) !== value
      ? `write ${booleanFromText(value)}, without quotes`
      : undefined,
})

export const requiredMode: Kind = { ...mode, resolvedType: 'Mode' }

export const scopes: Kind = kind({
  optionType: 'Readonly<Record<string, ScopeDefinition>>',
  expects: "an object of parts by name, such as { billing: { urls: ['/billing/**'], hosts: ['pay.example.com'] } }",
  schema: v.pipe(
    v.custom<object>((value) => isPlainObject(value) && Object.keys(value as object).every((name) => !(name in {}))),
    v.record(
      v.pipe(v.string(), v.regex(scopeName)),
      v.pipe(
        v.strictObject({
          urls: v.optional(v.array(v.union([v.pipe(v.string(), v.nonEmpty()), v.instance(RegExp)])), []),
          hosts: v.optional(v.array(v.pipe(v.string(), v.regex(/^[^\s/]+$/))), []),
        }),
        v.check(({ urls, hosts }) => urls.length + hosts.length > 0),
      ),
    ),
  ),
  fromText: (value) => JSON.parse(value),
  loads: true,
})

export const tenants: Kind = kind({
  optionType: 'TenantDefinition',
  resolvedType: 'TenantDefinition | undefined',
  expects: 'an object with of(request), the name of its tenant, and has(name), or ./file.js#exportName',
  schema: v.custom<object>((value) => {
    const { of, has } = (value ?? {}) as { of?: unknown; has?: unknown }
    return typeof of === 'function' && typeof has === 'function'
  }),
  loads: true,
})

/** A webhook by its address, or with what belongs to it; or code; or several. */
export const notify: Kind = kind({
  optionType: 'string | NotifyTarget | readonly (string | NotifyTarget)[]',
  resolvedType: 'readonly NotifyTarget[]',
  expects: 'the URL of a webhook, an object such as { url, secret }, a function, or a list of these',
  schema: v.pipe(
    v.union([v.array(v.unknown()), v.unknown()]),
    v.transform((value) => (Array.isArray(value) ? value : [value])),
    v.array(
      v.union([
        v.function(),
        v.pipe(
          v.union([
            v.pipe(
              v.string(),
              v.transform((url) => ({ url })),
            ),
            v.custom<object>(isPlainObject),
          ]),
          v.strictObject({
            url: v.pipe(v.string(), v.regex(/^https?:\/\//), v.url()),
            secret: v.optional(v.pipe(v.string(), v.minLength(16))),
            headers: v.optional(v.record(v.string(), v.string())),
          }),
        ),
      ]),
    ),
  ),
  fromText: (value) => (/^\s*[[{]/.test(value) ? JSON.parse(value) : value),
  secret: true,
  loads: true,
})

export const drainStreams: Kind = kind({
  optionType: "'leave' | 'end'",
  expects: "'leave' or 'end'",
  schema: v.picklist(['leave', 'end']),
})

export const count: Kind = kind({
  optionType: 'number',
  expects: 'a whole number, at least 1',
  schema: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  fromText: numberFromText,
})

export const text: Kind = kind({
  optionType: 'string',
  resolvedType: 'string | undefined',
  expects: 'a string that is not empty',
  schema: v.pipe(v.string(), v.nonEmpty()),
})

export const pathOrNone: Kind = kind({
  optionType: 'string | false',
  resolvedType: 'string | false | undefined',
  expects: 'the path of a folder, or false',
  schema: v.union([v.literal(false), v.pipe(v.string(), v.nonEmpty())]),
  fromText: (value) => (wordFromText(value) === false ? false : value),
})

export const instanceId: Kind = kind({
  optionType: 'string',
  resolvedType: 'string | undefined',
  expects: 'a name of 1 to 100 letters, digits, "_", ".", ":" or "-"',
  schema: v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/)),
})

export const requiredText: Kind = { ...text, resolvedType: 'string' }

const bareString = (value: unknown): string | undefined =>
  typeof value === 'string' ? `write a list: ['${value}']` : undefined

export const patterns: Kind = kind({
  optionType: 'readonly (string | RegExp)[]',
  expects: 'a list of strings or regular expressions',
  schema: v.array(v.union([v.pipe(v.string(), v.nonEmpty()), v.instance(RegExp)])),
  fromText: listFromText,
  hint: bareString,
})

export const warnings: Kind = kind({
  optionType: 'readonly string[]',
  expects: `a list of names of warnings: ${warningNames.join(', ')}`,
  schema: v.array(v.picklist(warningNames)),
  fromText: listFromText,
  hint: (value) => {
    const names: readonly string[] = warningNames
    const unknown = Array.isArray(value)
      ? value.find((name) => typeof name === 'string' && !names.includes(name))
      : undefined
    return unknown === undefined
      ? bareString(value)
      : `there is no warning "${unknown}".${didYouMean(unknown, names)} They are ${names.join(', ')}`
  },
})

export const routes: Kind = kind({
  optionType: "Readonly<Record<string, 'off' | 'on'>>",
  expects: "an object of patterns, such as { '/webhooks/**': 'off', '/beta/**': 'on' }",
  // A Map or a list would else pass for an object without patterns, and close nothing.
  schema: v.pipe(v.custom<object>(isPlainObject), v.record(v.string(), v.picklist(['off', 'on']))),
  fromText: (value) => JSON.parse(value),
})

export const trustProxy: Kind = kind({
  optionType: 'number | readonly string[] | false',
  expects: "the number of proxies in front (1), or a list of their addresses such as ['loopback', '10.0.0.0/8']",
  schema: v.union([
    v.pipe(v.number(), v.integer(), v.minValue(0)),
    v.literal(false),
    v.array(v.pipe(v.string(), v.nonEmpty())),
  ]),
  fromText: (value) => (/^\d+$/.test(value.trim()) ? Number(value) : (wordFromText(value) ?? listFromText(value))),
  hint: (value) =>
    value === true
      ? 'true would believe whatever a client writes: write the number of proxies in front (1), or a list of their addresses'
      : bareString(value),
})

export const duration: Kind = kind({
  optionType: 'string | number',
  resolvedType: 'number',
  expects: "a duration such as '90s', '15m' or '1h30m', or a number of seconds",
  schema: v.pipe(v.union([v.string(), v.number()]), tried(parseDuration), v.minValue(1)),
})

export const durationOrNone: Kind = kind({
  optionType: 'string | number | false',
  resolvedType: 'number',
  expects: "a duration such as '10m', a number of seconds, or false for no header",
  schema: v.pipe(
    v.union([v.literal(false), v.string(), v.number()]),
    tried((value) => (value === false ? 0 : parseDuration(value))),
  ),
  fromText: (value) => wordFromText(value) ?? value,
})

export const timezone: Kind = kind({
  optionType: 'string',
  expects: "an IANA time zone such as 'Europe/Rome'",
  schema: v.pipe(v.string(), tried(assertTimezone)),
})

const withoutBody = [204, 205, 304]

export const statusCode: Kind = kind({
  optionType: 'number',
  expects: 'a status with a body, from 200 to 599 (503 tells clients and search engines to come back)',
  schema: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(200),
    v.maxValue(599),
    v.check((status) => !withoutBody.includes(status)),
  ),
  fromText: numberFromText,
})

export const path: Kind = kind({
  optionType: 'string',
  expects: "a path below the root, such as '/maintenance-mode'",
  // Nothing that a glob, a regular expression or a dot segment is made of: the path and what is below it are open.
  schema: v.pipe(v.string(), v.regex(/^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/)),
})

const ownSite = 'http://own-site.invalid'

const isAddress = (text: string): boolean => URL.canParse(text, ownSite)

/** Headers take ASCII alone. */
const encoded = (address: string): string =>
  /^[\x21-\x7e]*$/.test(address) ? address : new URL(address, ownSite).href.replace(ownSite, '')

export const redirectUrl: Kind = kind({
  optionType: 'string',
  resolvedType: 'string | undefined',
  expects: "a path such as '/maintenance' or an absolute http(s) address",
  schema: v.pipe(v.string(), v.regex(/^(\/(?![/\\])|https?:\/\/)[^\s\\]*$/), v.check(isAddress), v.transform(encoded)),
})

export const siteUrl: Kind = kind({
  optionType: 'string',
  resolvedType: 'string | undefined',
  expects: "the site's own address, such as 'https://www.example.com'",
  schema: v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/]+/), v.check(isAddress)),
})

export const secret: Kind = kind({
  optionType: 'string',
  resolvedType: 'string | undefined',
  expects: 'a secret of at least 16 characters',
  schema: v.pipe(v.string(), v.minLength(16)),
  secret: true,
})

/** A function in code, or `./file.js#exportName` where only text can be written. */
export function callback(type: string): Kind {
  return kind({
    optionType: type,
    resolvedType: `(${type}) | undefined`,
    expects: 'a function, or ./file.js#exportName',
    schema: v.function(),
    loads: true,
  })
}

export const responseType: Kind = kind({
  optionType: "'auto' | 'html' | 'json' | ((request: MaintenanceRequest) => 'auto' | 'html' | 'json')",
  expects: "'auto', 'html', 'json', or a function of the request",
  schema: v.union([v.picklist(['auto', 'html', 'json']), v.function()]),
  loads: true,
})

export const template: Kind = kind({
  optionType: 'string | ((context: Readonly<Record<string, unknown>>) => string | Promise<string>)',
  resolvedType: '(string | ((context: Readonly<Record<string, unknown>>) => string | Promise<string>)) | undefined',
  expects: 'the path of a template file, the text of a template, or a function that renders',
  schema: v.union([v.pipe(v.string(), v.nonEmpty()), v.function()]),
  loads: true,
})

export const stateBackend: Kind = kind({
  optionType: 'string | StateBackend',
  resolvedType: '(string | StateBackend) | undefined',
  expects: "a URL such as 'file:./state.json' or 'memory:', or a backend object",
  schema: v.union([v.pipe(v.string(), v.nonEmpty()), v.custom<object>(isBackend)]),
  // An address may hold a password, and so may a client that was passed by mistake.
  secret: true,
  loads: true,
})

/** The object itself must come through: its methods may be those of a class. */
function isBackend(value: unknown): boolean {
  const { address, capabilities, read, write } = (value ?? {}) as Partial<Record<string, unknown>>
  const isObject = typeof capabilities === 'object' && capabilities !== null
  return typeof address === 'string' && isObject && typeof read === 'function' && typeof write === 'function'
}

export const logger: Kind = kind({
  optionType: 'Logger',
  expects: 'an object with warn and error, such as console or a pino logger',
  schema: v.custom<object>((value) => {
    const { warn, error } = (value ?? {}) as { warn?: unknown; error?: unknown }
    return typeof warn === 'function' && typeof error === 'function'
  }),
  loads: true,
})

function numberFromText(value: string): string | number {
  return /^\d+$/.test(value.trim()) ? Number(value) : value
}

function isPlainObject(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]'
}
