import { describe, expect, it } from 'vitest'
import { isLibpodError } from '../base/errors.ts'
import { formatReference, lookupCandidates, normalizeName, parseReference, repositoryOf } from './reference.ts'

const hex = 'a'.repeat(64)

describe('parseReference', () => {
  it.each([
    ['alpine', { path: 'alpine' }],
    ['alpine:3.20', { path: 'alpine', tag: '3.20' }],
    ['library/alpine', { path: 'library/alpine' }],
    ['docker.io/library/alpine:3', { domain: 'docker.io', path: 'library/alpine', tag: '3' }],
    ['localhost/mine', { domain: 'localhost', path: 'mine' }],
    ['localhost:5000/mine:x', { domain: 'localhost:5000', path: 'mine', tag: 'x' }],
    ['Registry/mine', { domain: 'Registry', path: 'mine' }],
    ['registry/mine', { path: 'registry/mine' }],
    ['[::1]:5000/a/b', { domain: '[::1]:5000', path: 'a/b' }],
    ['a.b-c.d:99/x__y/z-_w'.replace('-_', '--'), { domain: 'a.b-c.d:99', path: 'x__y/z--w' }],
    [`alpine@sha256:${hex}`, { path: 'alpine', digest: `sha256:${hex}` }],
    [`q.io/a/b:t@sha256:${hex}`, { domain: 'q.io', path: 'a/b', tag: 't', digest: `sha256:${hex}` }],
    ['a:_x.Y-z', { path: 'a', tag: '_x.Y-z' }],
    [`a:${'t'.repeat(128)}`, { path: 'a', tag: 't'.repeat(128) }],
    ['1.2', { path: '1.2' }],
  ])('takes %s apart, and together again', (text, parts) => {
    const reference = parseReference(text)
    expect(reference).toEqual(parts)
    expect(formatReference(reference)).toBe(text)
  })

  it.each([
    ['', 'empty'],
    [hex, 'id'],
    ['localhost:99999/a', 'port'],
    ['[::1]:0/a', 'port'],
    ['Alpine', 'capital'],
    ['a//b', 'malformed'],
    ['/a', 'malformed'],
    ['a/', 'malformed'],
    ['a..b', 'malformed'],
    ['a___b', 'malformed'],
    ['-a', 'malformed'],
    ['a b', 'malformed'],
    ['../a', 'registry'],
    ['a:', 'tag'],
    ['a:.x', 'tag'],
    [`a:${'t'.repeat(129)}`, 'tag'],
    ['a@sha256:12', 'digest'],
    [`a@md5:${hex}`, 'digest'],
    [`a@sha256:${hex}@sha256:${hex}`, 'digest'],
    ['-bad.io/a', 'registry'],
    ['host:port/a', 'registry'],
    [`a.io/${'b'.repeat(251)}`, 'longer'],
    ['a\n', 'malformed'],
    ['docker://alpine', 'registry'],
  ])('refuses %j (%s)', (text, why) => {
    const refused = (() => {
      try {
        return parseReference(text, 'image')
      } catch (error) {
        return error
      }
    })()
    if (!isLibpodError(refused, 'invalid-argument')) throw new Error(`parsed as ${JSON.stringify(refused)}`)
    expect(refused.details).toEqual({ path: 'image', value: text })
    expect(refused.message).toContain(why)
  })
})

describe('normalizeName', () => {
  it.each([
    ['mine', 'localhost/mine:latest'],
    ['foo/bar:1', 'localhost/foo/bar:1'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest'],
    ['index.docker.io/alpine:3', 'docker.io/library/alpine:3'],
    ['docker.io/a/b', 'docker.io/a/b:latest'],
    ['quay.io/x', 'quay.io/x:latest'],
    ['localhost:5000/x:y', 'localhost:5000/x:y'],
  ])('%s is %s', (text, name) => expect(normalizeName(text)).toBe(name))

  it('takes no digest', () => {
    expect(() => normalizeName(`a@sha256:${hex}`)).toThrow(/^tag: .* digest/)
  })
})

describe('lookupCandidates', () => {
  const names = (text: string): string[] => lookupCandidates(parseReference(text)).map(formatReference)

  it('looks for short names as they are, then on localhost, then on Docker Hub', () => {
    expect(names('alpine')).toEqual(['alpine:latest', 'localhost/alpine:latest', 'docker.io/library/alpine:latest'])
    expect(names('me/app:2')).toEqual(['me/app:2', 'localhost/me/app:2', 'docker.io/me/app:2'])
  })
  it('looks for full names only there', () => {
    expect(names('quay.io/a')).toEqual(['quay.io/a:latest'])
    expect(names('docker.io/alpine')).toEqual(['docker.io/alpine:latest', 'docker.io/library/alpine:latest'])
  })
  it('forgets the tag beside a digest', () => {
    expect(names(`quay.io/a:3@sha256:${hex}`)).toEqual([`quay.io/a@sha256:${hex}`])
  })
})

it('repositoryOf leaves out tag and digest', () => {
  expect(repositoryOf('localhost:5000/a/b:1')).toBe('localhost:5000/a/b')
  expect(repositoryOf(`a@sha256:${hex}`)).toBe('a')
})
