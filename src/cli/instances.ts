import type { Presence } from '../backends/backend.js'
import { bounded, systemClock } from '../clock.js'
import { messageOf, StateBackendError } from '../errors.js'
import { byName, fromPresence, type SeenInstance } from '../fleet/instance.js'
import { lostAfter } from '../fleet/judgement.js'
import { formatDuration } from '../settings/duration.js'
import type { Context } from './context.js'
import type { Row } from './outcome.js'

/** Who decides by the state. */
export interface Around {
  /** `undefined`: the backend keeps no list, or it could not be had. */
  instances: readonly SeenInstance[] | undefined
  /** Why it could not be had. */
  failure?: string
}

/** What is only told besides is not waited for any longer. Milliseconds. */
const patience = 2000

/** Never rejects: a command does not fail for want of this. */
export async function lookAround({ store }: Context): Promise<Around> {
  const { presence, address } = store.backend
  if (!presence) return { instances: undefined }
  try {
    return { instances: await listInstances(presence, address, patience) }
  } catch (error) {
    return { instances: undefined, failure: messageOf(error) }
  }
}

export async function listInstances(
  presence: Presence,
  address: string,
  milliseconds: number,
): Promise<readonly SeenInstance[]> {
  const late = (): Error => new StateBackendError(`No answer from ${address} within ${formatDuration(milliseconds)}.`)
  const sightings = await bounded(systemClock, presence.list(), { milliseconds, late })
  return sightings.map(fromPresence).sort(byName)
}

/** Which instances decide by the state, for people. */
export function instancesRows({ instances, failure }: Around, { store }: Context): Row[] {
  const { address, capabilities } = store.backend
  const label = 'applies to'
  if (instances === undefined) {
    const what = address.startsWith('file:')
      ? 'Every process on this machine that reads this file'
      : 'Every process that reads this state'
    const list = capabilities.presence ? '' : '; this backend keeps no list of them'
    return [
      [label, `${what} decides by it${failure === undefined ? list : `; who they are cannot be told (${failure})`}.`],
    ]
  }
  if (instances.length === 0) return [[label, noInstance, 'loud']]
  const live = instances.filter(({ age }) => age <= lostAfter)
  const lost = instances.filter(({ age }) => age > lostAfter)
  const pinned = live.filter((instance) => instance.pinned)
  const rows: Row[] = [live.length === 0 ? [label, noInstance, 'loud'] : [label, namesText(live)]]
  if (pinned.length > 0) {
    rows.push([
      'pinned',
      `${pinned.map(({ id, mode }) => `${id} to "${mode}"`).join(', ')}: by its setting \`mode\``,
      'loud',
    ])
  }
  if (lost.length > 0) {
    const ages = lost.map(({ id, age }) => `${id}, last heard of ${formatDuration(age)} ago`)
    rows.push(['lost', ages.join('; '), 'loud'])
  }
  return rows
}

export const noInstance =
  'NO INSTANCE has announced itself, so nobody is known to decide by this state. Is the app running, and with this state backend?'

const shown = 10

function namesText(instances: readonly SeenInstance[]): string {
  const names = instances.slice(0, shown).map(({ id }) => id)
  const more = instances.length - names.length
  const count = `${instances.length} instance${instances.length === 1 ? '' : 's'}`
  return `${count}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
