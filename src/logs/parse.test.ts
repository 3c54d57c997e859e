import { describe, expect, it } from 'vitest'
import { LineJoiner, maxLineBytes, parsePiece } from './parse.ts'

const time = '2026-01-31T12:00:00.123456789+01:00'

describe('parsePiece', () => {
  it('reads complete and partial records', () => {
    expect(parsePiece(Buffer.from(`${time} stdout F hello  world`))).toMatchObject({ time, stream: 'stdout', complete: true })
    expect(parsePiece(Buffer.from(`${time} stdout F hello  world`))?.data.toString()).toBe('hello  world')
    expect(parsePiece(Buffer.from(`${time} stderr P x`))).toMatchObject({ stream: 'stderr', complete: false })
  })

  it('reads empty lines, with and without the last space, and further tags', () => {
    expect(parsePiece(Buffer.from(`${time} stdout F `))?.data.length).toBe(0)
    expect(parsePiece(Buffer.from(`${time} stdout F`))?.data.length).toBe(0)
    expect(parsePiece(Buffer.from(`${time} stdout P:more x`))).toMatchObject({ complete: false })
  })

  it.each(['', 'x', `${time} stdin F x`, `${time} stdout Q x`, `\0\0\0 stdout F x`, `${time}`, `yesterday stdout F x`])(
    'refuses %j',
    (text) => {
      expect(parsePiece(Buffer.from(text))).toBeUndefined()
    },
  )
})

describe('LineJoiner', () => {
  it('never holds more than a part of a long line', () => {
    const joiner = new LineJoiner()
    const data = Buffer.alloc(8192, 'x')
    let parts = 0
    for (let at = 0; at < maxLineBytes * 3; at += data.length) {
      const entry = joiner.push({ time, stream: 'stdout', complete: false, data })
      if (entry === undefined) continue
      parts += 1
      expect(entry).toMatchObject({ partial: true })
      expect(entry.line.length).toBe(maxLineBytes)
    }
    expect(parts).toBe(3)
    expect(joiner.push({ time, stream: 'stdout', complete: true, data: Buffer.from('end') })).toMatchObject({ line: 'end', partial: false })
    expect([...joiner.rest()]).toEqual([])
  })
})
