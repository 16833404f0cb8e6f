import type { Decision } from '../../decision/decision.js'

/** What the page says for one mode. */
export interface ModeText {
  title: string
  lead: string
  /** Only to a person whose request was not carried out. */
  notProcessed: string
  /** Before the instant at which it is expected to be over. */
  expected: string
}

/** Every string a visitor can see on the built-in page. */
export interface PageText {
  /** BCP 47, for the `lang` attribute. */
  language: string
  modes: Record<'closed' | 'readOnly' | 'reopening', ModeText>
  why: string
  /** Takes the place of `expected` when that time has passed. */
  plannedUntil: string
  /** An instant as it reads before, or without, the script. */
  instant: (at: Date) => string
  waitToReturn: string
  waitToTell: string
  late: string
  back: string
  backReturning: string
  backToTell: string
  goBack: string
  withoutScript: string
}

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const twoDigits = (value: number): string => String(value).padStart(2, '0')

const notProcessed =
  'What you just sent was not carried out, and nothing was saved. Please send it again once we are back. ' +
  'We are sorry for the trouble.'

export const english: PageText = {
  language: 'en',
  modes: {
    closed: {
      title: 'We will be back soon',
      lead: 'We are working on this site. It is closed until we are done.',
      notProcessed,
      expected: 'Expected back',
    },
    readOnly: {
      title: 'Changes are paused',
      lead: 'We are working on this site. You can look around as usual, but nothing can be changed until we are done.',
      notProcessed:
        'What you just sent was not carried out, and nothing was saved. Please send it again later. ' +
        'We are sorry for the trouble.',
      expected: 'Paused until',
    },
    reopening: {
      title: 'We are opening again',
      lead: 'The site is coming back. We let visitors in little by little, and it will be your turn soon.',
      notProcessed,
      expected: 'Open to everybody by',
    },
  },
  why: 'Why',
  plannedUntil: 'Planned until',
  instant: (at: Date): string =>
    `${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}, ` +
    `${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())} UTC`,
  waitToReturn: 'You can leave this page open. It returns to the site by itself.',
  waitToTell: 'You can leave this page open. It will tell you when we are back.',
  late: 'This is taking a little longer than planned.',
  back: 'We are back',
  backReturning: 'The site is open again. One moment, please.',
  backToTell: 'The site is open again. What you sent before was not saved. Please go back and send it again.',
  goBack: 'Back to the form',
  withoutScript: 'This page looks again every minute.',
}

/** `hold` that ran out of patience looks like `on` to a person. */
export function textOf({ modes }: PageText, { mode, reopening }: Pick<Decision, 'mode' | 'reopening'>): ModeText {
  if (mode === 'read-only') return modes.readOnly
  return reopening ? modes.reopening : modes.closed
}
