import type { PresenceRecord, PresenceSighting } from './backend.js'

/**
 * The names of what is kept in a Redis, for every way to it. A key of ours has no colon, so none is another's. In braces is
 * what a cluster goes by: everything of one state is on one server.
 */
export interface RedisNames {
  /** A string: the document. What changes is told on the channel of this name too. */
  readonly state: string
  /** A hash: who decides by it. */
  readonly instances: string
  /** A string: a copy of a damaged document. */
  damaged(): string
}

export function redisNames(key: string): RedisNames {
  const state = key === '' ? '{maintenance-mode}' : `{maintenance-mode:${key}}`
  return {
    state,
    instances: `${state}:instances`,
    damaged: () => `${state}:damaged-${new Date().toISOString()}-${crypto.randomUUID().slice(0, 8)}`,
  }
}

/**
 * Sets the document if what is stored is still the text that was read; without that text, if nothing is stored. Tells
 * who listens, where that is allowed: who is not told polls.
 *
 * KEYS: state. ARGV: document, channel, text that was read. Returns 1, or 0 where nothing was changed.
 */
export const swapScript = `
if redis.call('GET', KEYS[1]) ~= (ARGV[3] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[1])
return 1
`

/**
 * Notes an instance, with the time of the server. Once a minute, forgets those whose time has passed; the hash goes with
 * the last of them.
 *
 * KEYS: instances. ARGV: id, milliseconds to live, text. Returns the server's time in milliseconds.
 */
export const announceScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now - (redis.call('HGET', KEYS[1], '') or 0) > 60000 then
  local entries = redis.call('HGETALL', KEYS[1])
  for index = 1, #entries, 2 do
    local ends = tonumber(string.match(entries[index + 1], '^%d+ (%d+) ') or 0)
    if ends <= now then redis.call('HDEL', KEYS[1], entries[index]) end
  end
  redis.call('HSET', KEYS[1], '', string.format('%.0f', now))
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %.0f %s', now, now + ARGV[2], ARGV[3]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return now
`

/** KEYS: instances. Returns what `toSightings` takes: the time, and the entries, in pairs. */
export const seenScript = `
local entries = redis.call('HGETALL', KEYS[1])
local seen = {}
for index = 1, #entries, 2 do seen[#seen + 1] = {entries[index], entries[index + 1]} end
return {redis.call('TIME'), seen}
`

/** What the hash of the instances says, at a time of the server: of TIME, seconds and microseconds. */
export function toSightings(
  entries: Iterable<readonly [id: string, entry: string]>,
  [seconds = 0, microseconds = 0]: readonly (string | number)[],
): PresenceSighting[] {
  const now = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  return [...entries].flatMap(([id, entry]) => {
    const [, at = 0, until = 0, text = ''] = /^(\d+) (\d+) (.*)$/s.exec(entry) ?? []
    const record: PresenceRecord = { id, text }
    return Number(until) > now ? [{ ...record, age: Math.max(now - Number(at), 0) }] : []
  })
}

const hints: readonly (readonly [said: RegExp, hint: string])[] = [
  [/\bNOAUTH\b/, 'It wants a password: give it one.'],
  [/\bWRONGPASS\b|invalid password/, 'Give the right user and password.'],
  [/without any password configured|no password is set/, 'It wants no password: leave it out.'],
  [/\bWRONGTYPE\b/, 'Something else has this name there: use another key, ?key=shop for one.'],
  [/\bNOPERM\b/, 'Who asks may not do that: give a user, or a token, who may.'],
  [/\bREADONLY\b/, 'That is a replica, which takes no changes: give the address of the primary.'],
  [/\bMISCONF\b/, 'It cannot save to its disk, and takes no changes until it can.'],
  [/\bOOM\b/, 'Its memory is full.'],
  [/\bLOADING\b/, 'It has just been started, and is still reading its data.'],
  [/\bMOVED\b/, 'It is one of a cluster: write redis+cluster://, or pass a client for clusters.'],
  [/\bCLUSTERDOWN\b/, 'The cluster has lost a part of its servers.'],
  [
    /connect(ion)? (ETIMEDOUT|timeout)/i,
    'It does not answer: is it reachable from here, and is it rediss:// that it wants?',
  ],
  [/connection (is closed|has ended)|closed unexpectedly/i, 'It ended the connection: is it rediss:// that it wants?'],
  [/DB index is out of range|SELECT is not allowed/, 'There is no database of that number.'],
]

/** What to do about an error of Redis. */
export function redisHint(message: string): string | undefined {
  return hints.find(([said]) => said.test(message))?.[1]
}
