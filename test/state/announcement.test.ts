import { beforeAll, describe, expect, it } from 'vitest'
import { type Announcement, announcementsAt } from '../../src/state/announcement.js'
import { effectiveModes } from '../../src/state/effective-mode.js'
import { loadCron } from '../../src/state/recurrence.js'
import type { StateDocument } from '../../src/state/window.js'
import { at, documentOf, minute, windowOf } from './windows.js'

const announcementsOf = (document: StateDocument, now: number, scope?: string): Announcement[] =>
  announcementsAt(document, effectiveModes(document, now), now, scope)

beforeAll(loadCron)

const plan = windowOf({
  id: 'plan-1',
  origin: 'planned',
  start: at(60),
  end: at(90),
  announceFrom: at(10),
  reason: 'Moving',
})

const told = (now: number, ...windows: Parameters<typeof documentOf>) =>
  announcementsOf(documentOf(...windows), minute(now)).map(({ window, phase }) => `${window} ${phase}`)

describe('what visitors are told on a banner', () => {
  it('is a planned window from its announcement until it is over, with its times and its reason', () => {
    expect(told(9, plan)).toEqual([])
    expect(told(10, plan)).toEqual(['plan-1 announced'])
    expect(told(60, plan)).toEqual(['plan-1 active'])
    expect(told(90, plan)).toEqual([])
    expect(announcementsOf(documentOf(plan), minute(10))).toEqual([
      {
        key: `plan-1 ${at(60)} announced`,
        window: 'plan-1',
        scope: '*',
        mode: 'on',
        phase: 'announced',
        start: new Date(minute(60)),
        end: new Date(minute(90)),
        reason: 'Moving',
      },
    ])
  })

  it('has another key in every phase, so that what was dismissed comes back with news', () => {
    const held = { ...plan, holdClosed: true }
    const keys = [10, 60, 90].map((now) => announcementsOf(documentOf(held), minute(now))[0]?.key)
    expect(new Set(keys).size).toBe(3)
    expect(told(90, held)).toEqual(['plan-1 verifying'])
  })

  it('of a series that is held closed is the occurrence that is over, not the next one', () => {
    const recurrence = { cron: '0 13 * * *', timezone: 'UTC', duration: '1h' }
    const held = windowOf({ id: 'nightly', origin: 'planned', holdClosed: true, recurrence })
    expect(announcementsOf(documentOf(held), minute(180))).toMatchObject([
      { phase: 'verifying', start: new Date(minute(60)), end: new Date(minute(120)) },
    ])
  })

  it('is what was opened by hand too, and the expected end where there is one', () => {
    const manual = windowOf({ mode: 'read-only', expectedEnd: at(30) })
    expect(announcementsOf(documentOf(manual), minute(1))).toMatchObject([
      { mode: 'read-only', phase: 'active', end: new Date(minute(30)) },
    ])
  })

  it('is nothing of what is lifted, of what opens, and of another part of the site', () => {
    const lifted = windowOf({ id: 'open', mode: 'off', origin: 'leased', start: at(0), end: at(200) })
    const elsewhere = windowOf({ id: 'b', scope: 'billing' })
    expect(told(70, plan, lifted, elsewhere)).toEqual([])
    const document = documentOf(plan, elsewhere)
    expect(announcementsOf(document, minute(70), 'billing').map(({ window }) => window)).toEqual(['b', 'plan-1'])
  })
})
