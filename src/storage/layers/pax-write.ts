import type { EntryTime } from './entry.ts'

/** One record of a POSIX extended header. */
export type PaxRecord = readonly [key: string, value: Buffer | string]

/** The content of an extended header: each record begins with its own length, the digits of that included. */
export function encodePax(records: readonly PaxRecord[]): Buffer {
  return Buffer.concat(records.map(encodeRecord))
}

/** A time as POSIX writes it: below zero the sign counts for the fraction as well. */
export function paxTime({ seconds, nanoseconds }: EntryTime): string {
  const borrow = seconds < 0 && nanoseconds > 0
  const whole = borrow ? seconds + 1 : seconds
  const fraction = borrow ? 1_000_000_000 - nanoseconds : nanoseconds
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${seconds < 0 ? '-' : ''}${Math.abs(whole)}${digits}`
}

/**
 * An extended attribute as everybody writes it. A key ends at its first `=`, so a name with one takes libarchive's form, which
 * has room for it.
 */
export function xattrRecord(name: string, value: Buffer): PaxRecord {
  if (!name.includes('=')) return [`SCHILY.xattr.${name}`, value]
  const escaped = name.replace(/[%=]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  return [`LIBARCHIVE.xattr.${escaped}`, value.toString('base64').replace(/=+$/, '')]
}

function encodeRecord([key, value]: PaxRecord): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), typeof value === 'string' ? Buffer.from(value) : value, newline])
  let length = rest.length + 1
  // One digit more may make the number itself longer.
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

const newline = Buffer.from('\n')
