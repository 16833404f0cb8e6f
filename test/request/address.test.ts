import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettingError } from '../../src/errors.js'
import { compileAddresses, formatAddress, parseAddress, parseForwardedAddress } from '../../src/request/address.js'
import { millisecondsOf, nanosecondsOf } from './speed.js'

function read(text: string): string | undefined {
  const address = parseAddress(text)
  return address === undefined ? undefined : formatAddress(address)
}

function readForwarded(text: string): string | undefined {
  const address = parseForwardedAddress(text)
  return address === undefined ? undefined : formatAddress(address)
}

function refusal(entry: string | RegExp, setting = 'ignoreIpAddresses'): string {
  try {
    compileAddresses(setting, [entry])
  } catch (error) {
    expect(error).toBeInstanceOf(SettingError)
    return (error as SettingError).message
  }
  return 'was accepted'
}

describe('parseAddress', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::1', '::1'],
    ['::', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:a00:1', '10.0.0.1'],
    ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%25', 'fe80::1'],
  ])('reads %s as %s', (text, address) => {
    expect(read(text)).toBe(address)
    expect(read(text)).toBe(address)
  })

  it.each([
    ...['', ' ', '10.0.0', '10.0.0.1.2', '10.0.0.', '.10.0.0', '10..0.1', '10.0.0.256', '10.0.0.1 ', ' 10.0.0.1'],
    ...[
      '010.0.0.1',
      '10.0.0.01',
      '127.1',
      '0x7f.1',
      '0x7f.0.0.1',
      '2130706433',
      '00.0.0.0',
      '1.2.3.4%eth0',
      '+1.2.3.4',
    ],
    ...[
      '10.0.0.1:80',
      '[::1]',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '12345::',
      '00001::',
      'g::',
    ],
    ...[
      '::ffff:010.0.0.1',
      '::ffff:127.1',
      '::ffff:1.2.3',
      '::1%',
      '::1%a b',
      '::1/64',
      '1.2.3.4::',
      'unix:',
      'localhost',
      'unknown',
    ],
    `${'1:'.repeat(8000)}1`,
    `::1%${'x'.repeat(16_000)}`,
  ])('does not read %.40s', (text) => {
    expect(read(text)).toBeUndefined()
  })

  it('takes for an address what Node takes for one', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789abF:.%'), maxLength: 24 })
    const groups = fc.array(fc.constantFrom('0', '1', 'ffff', '00ff', 'abcde', '', ':', '1.2.3.4', '01.2.3.4'), {
      maxLength: 9,
    })
    const like = groups.map((parts) => parts.join(':'))
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), digits, like), (text) => {
        if (text.includes('%')) return
        expect({ text, is: parseAddress(text) !== undefined }).toEqual({ text, is: isIPv4(text) || isIPv6(text) })
      }),
      { numRuns: 5000 },
    )
  })

  it('reads the address that WHATWG URL reads', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const { size, value } = numberOf(text)
        const mapped = size === 128 && value >> 32n === 0xffffn
        expect(read(text)).toBe(mapped ? toText(value & 0xffffffffn, 32) : hostOf(text))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('parseForwardedAddress', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1:5678', '10.0.0.1'],
    ['10.0.0.1:_hidden', '10.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['[::1]:443', '::1'],
    ['[2001:db8::1]:_p', '2001:db8::1'],
    ['[fe80::1%eth0]', 'fe80::1'],
    ['[::ffff:10.0.0.1]:80', '10.0.0.1'],
  ])('reads %s as %s', (text, address) => {
    expect(readForwarded(text)).toBe(address)
  })

  it.each([
    '',
    '[',
    '[]',
    '[10.0.0.1]',
    '[::1',
    '[::1]x',
    '[::1]:',
    '10.0.0.1:',
    '10.0.0.1:x',
    '10.0.0.1:123456',
    'unknown',
    '_a',
    ':80',
  ])('does not read %s', (text) => {
    expect(readForwarded(text)).toBeUndefined()
  })
})

describe('compileAddresses', () => {
  it('has nothing to say about an empty list', () => {
    expect(compileAddresses('ignoreIpAddresses', [])).toBeUndefined()
  })

  it.each<[string | RegExp, string[], string[]]>([
    [
      '10.0.0.1',
      ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1'],
      ['10.0.0.10', '10.0.0.199', '10.0.0.2', '110.0.0.1', '::10.0.0.1'],
    ],
    [' 10.0.0.1 ', ['10.0.0.1'], []],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0', '::a00:1']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::1']],
    ['128.0.0.0/1', ['128.0.0.0', '255.0.0.0'], ['127.255.255.255']],
    ['1.2.3.4/32', ['1.2.3.4'], ['1.2.3.5', '1.2.3.3']],
    ['::/0', ['::', 'ffff::', '::1'], ['1.2.3.4', '::ffff:1.2.3.4']],
    ['2001:db8::/32', ['2001:db8::', '2001:db8:ffff::1'], ['2001:db7:ffff::', '2001:db9::']],
    ['2001:db8::/33', ['2001:db8:7fff::1'], ['2001:db8:8000::']],
    ['2001:DB8::1', ['2001:db8:0:0::1'], ['2001:db8::2', '2001:db8::']],
    ['fe80::/10', ['fe80::1%eth0', 'febf::1'], ['fec0::']],
    ['::ffff:10.0.0.0/104', ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.0']],
    ['::ffff:10.0.0.1', ['10.0.0.1'], ['10.0.0.2']],
    ['::ffff:0:0/96', ['1.2.3.4'], ['::1']],
    ['^10\\.0\\.0\\.\\d+', ['10.0.0.1', '10.0.0.199', '::ffff:10.0.0.7'], ['10.0.0', '110.0.0.1', '10.0.1.1']],
    ['^10\\.0\\.0\\.1', ['10.0.0.1'], ['10.0.0.10', '10.0.0.199']],
    [/1.2.3.4|1.2.3.5/gm, ['1.2.3.4', '1.2.3.5'], ['11.2.3.4', '1.2.3.45']],
    [/2001:db8:.*/i, ['2001:DB8::1', '2001:db8:0:0::1'], ['2001:db9::1']],
    [/.*/, ['1.2.3.4', '::1'], ['unix:', '', 'x']],
  ])('%s covers %j, and none of %j', (entry, covered, others) => {
    const matches = compileAddresses('ignoreIpAddresses', [entry])
    for (const address of covered) {
      for (let i = 0; i < 2; i++)
        expect({ address, by: matches?.(address) }).toEqual({ address, by: expect.any(String) })
    }
    for (const address of [...others, undefined, '', 'unknown', '010.0.0.1']) {
      expect({ address, by: matches?.(address) }).toEqual({ address, by: undefined })
    }
  })

  it('names the setting for a range, and a regular expression by what was written', () => {
    const matches = compileAddresses('ignoreIpAddresses', ['10.0.0.0/8', '^1\\..*', /2\..*/])
    expect(['10.1.1.1', '1.1.1.1', '2.2.2.2'].map((address) => matches?.(address))).toEqual([
      'ignoreIpAddresses',
      '^1\\..*',
      '/2\\..*/',
    ])
  })

  it.each<[string | RegExp, string]>([
    ['', 'is empty'],
    ['010.0.0.1', 'without leading zeros'],
    ['127.1', 'four decimal numbers'],
    ['0x7f.1', 'four decimal numbers'],
    ['2130706433', 'four decimal numbers'],
    ['10.0.0.0/08', 'no prefix length from 0 to 32'],
    ['10.0.0.0/33', 'no prefix length from 0 to 32'],
    ['10.0.0.0/', 'no prefix length'],
    ['10.0.0.0/-1', 'no prefix length'],
    ['10.0.0.0/255.0.0.0', 'no prefix length'],
    ['2001:db8::/129', 'no prefix length from 0 to 128'],
    ['::ffff:10.0.0.0/8', 'no prefix length from 96 to 128'],
    ['10.0.0.1/8', 'write 10.0.0.0/8, or 10.0.0.1 alone'],
    ['192.168.1.77/30', 'write 192.168.1.76/30'],
    ['2001:db8::1/32', 'write 2001:db8::/32, or 2001:db8::1 alone'],
    ['2001:db8:8000::/32', 'write 2001:db8::/32'],
    ['::ffff:10.0.0.1/104', 'write ::ffff:10.0.0.0/104'],
    ['10.0.0.0/8/8', 'more than one slash'],
    ['fe80::1%eth0', 'write fe80::1'],
    ['fe80::%eth0/64', 'has a zone'],
    ['[::1]', 'write ::1'],
    ['10.0.0.1:80', 'write 10.0.0.1'],
    ['10.0.0.*', 'has a wildcard'],
    ['10.0.0.1-10.0.0.9', 'span of addresses'],
    ['10.0.0.1, 10.0.0.2', 'an entry for each'],
    ['localhost', 'write 127.0.0.1 and ::1'],
    ['example.com', 'is no address'],
    ['12345::', 'is no address'],
    ['loopback', 'for proxies only: write 127.0.0.0/8, ::1'],
    ['^10(', 'no regular expression'],
  ])('refuses %s: %s', (entry, message) => {
    expect(refusal(entry)).toContain(message)
    expect(refusal(entry)).toMatch(/^`ignoreIpAddresses`: "/)
  })

  it('knows names of proxies for trustProxy, where it refuses what would trust everybody or is vague', () => {
    const matches = compileAddresses('trustProxy', ['Loopback', 'linklocal', 'uniquelocal'])
    for (const address of [
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '169.254.1.1',
      'fe80::1',
      '10.1.1.1',
      '172.31.0.1',
      '192.168.0.1',
      'fd00::1',
    ]) {
      expect({ address, by: matches?.(address) }).toEqual({ address, by: 'trustProxy' })
    }
    for (const address of ['126.0.0.1', '::2', '172.32.0.1', '11.0.0.1', '2001:db8::1'])
      expect(matches?.(address)).toBeUndefined()
    expect(refusal('0.0.0.0/0', 'trustProxy')).toContain('trusts everybody')
    expect(refusal('::/0', 'trustProxy')).toContain('trusts everybody')
    expect(refusal('^10\\..*', 'trustProxy')).toContain('regular expression')
    expect(refusal(1 as unknown as string)).toContain('neither a string nor a RegExp')
  })

  it('covers what a walk through all ranges covers', () => {
    // An IPv4-mapped address counts as IPv4, which the walk would have to know as well.
    const isMapped = (value: bigint): boolean => value >> 32n === 0xffffn
    const anywhere = fc.oneof(fc.ipV4(), fc.ipV6()).map(numberOf)
    // Many that differ in a few bits only, wherever these stand.
    const crowded = fc
      .tuple(fc.constantFrom(0n, 7n, 28n, 32n, 60n, 64n, 90n), fc.bigInt({ min: 0n, max: 255n }))
      .map(([shift, low]) => ({ size: 128, value: (0x2001_0db8n << 96n) | (low << shift) }))
    const crowdedIpv4 = fc.nat(511).map((low) => ({ size: 32, value: 0xc000_0200n + BigInt(low) }))
    const address = fc.oneof(anywhere, crowded, crowdedIpv4)
    const range = fc.record({ address, share: fc.double({ min: 0, max: 1, noNaN: true }) })
    const nearby = fc.bigInt({ min: -3n, max: 3n })
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 30 }), nearby, address, (wanted, shift, stranger) => {
        const ranges = wanted.flatMap(({ address: { size, value }, share }) => {
          const prefix = Math.round(share * size)
          const width = BigInt(size - prefix)
          const first = (value >> width) << width
          return isMapped(first) ? [] : [{ size, prefix, first, last: first + (1n << width) - 1n }]
        })
        const entries = ranges.map(({ size, prefix, first }) => `${toText(first, size)}/${prefix}`)
        const matches = compileAddresses('ignoreIpAddresses', entries)
        const probes = ranges.flatMap(({ size, first, last }) =>
          [first + shift, last + shift].map((value) => ({ size, value })),
        )
        probes.push(stranger)
        for (const { size, value } of probes) {
          if (value < 0n || value >= 1n << BigInt(size) || isMapped(value)) continue
          const covered = ranges.some((range) => range.size === size && range.first <= value && value <= range.last)
          const text = toText(value, size)
          expect({ entries, text, covered: matches?.(text) !== undefined }).toEqual({ entries, text, covered })
        }
      }),
      { numRuns: 500 },
    )
  })

  it('takes less than half a microsecond among a hundred thousand ranges', () => {
    let seed = 1
    const random = (): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed
    }
    const ipv4 = Array.from({ length: 50_000 }, () => {
      const prefix = 20 + (random() % 13)
      return `${toText(BigInt(random()) & (0xffffffffn << BigInt(32 - prefix)), 32)}/${prefix}`
    })
    const ipv6 = Array.from({ length: 50_000 }, () => `2001:${random() & 0xfff}:${random() & 0xfff}::/48`)
    let matches: ReturnType<typeof compileAddresses>
    const compile = (): void => {
      matches = compileAddresses('ignoreIpAddresses', [...ipv4, ...ipv6])
    }
    expect(millisecondsOf(compile)).toBeLessThan(2000)
    const clients = Array.from({ length: 4096 }, (_, i) =>
      i % 4 ? toText(BigInt(random()), 32) : `2001:${random() & 0xfff}:${random() & 0xfff}::1`,
    )
    expect(nanosecondsOf((i) => matches?.(clients[i & 4095]))).toBeLessThan(500)
  })
})

/** As WHATWG URL writes it, which is as RFC 5952 does. */
function hostOf(address: string): string {
  return new URL(address.includes(':') ? `http://[${address}]` : `http://${address}`).hostname.replace(/[[\]]/g, '')
}

function numberOf(address: string): { size: number; value: bigint } {
  const host = hostOf(address)
  if (!host.includes(':'))
    return { size: 32, value: host.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n) }
  const [head = '', tail] = host.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const before = head as string[]
  const after = (tail ?? []) as string[]
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return { size: 128, value: groups.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n) }
}

function toText(value: bigint, size: number): string {
  const width = size === 32 ? 8 : 16
  const parts = Array.from(
    { length: size / width },
    (_, i) => (value >> BigInt(size - width * (i + 1))) & ((1n << BigInt(width)) - 1n),
  )
  return parts.map((part) => part.toString(size === 32 ? 10 : 16)).join(size === 32 ? '.' : ':')
}
