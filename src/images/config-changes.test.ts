import { describe, expect, it } from 'vitest'
import { isLibpodError } from '../base/errors.ts'
import type { OCIImageRunConfig } from '../specs/image-spec.ts'
import { applyChanges } from './config-changes.ts'

describe('applyChanges', () => {
  it.each<[string[], OCIImageRunConfig]>([
    [['CMD ["/bin/sh", "-c", "echo hi"]'], { Cmd: ['/bin/sh', '-c', 'echo hi'] }],
    [['CMD echo hi | cat'], { Cmd: ['/bin/sh', '-c', 'echo hi | cat'] }],
    [['CMD=/bin/bash'], { Cmd: ['/bin/sh', '-c', '/bin/bash'] }],
    [['CMD = ["a"]'], { Cmd: ['a'] }],
    [['CMD []'], { Cmd: [] }],
    [['CMD [ -f x ] && y'], { Cmd: ['/bin/sh', '-c', '[ -f x ] && y'] }],
    [['entrypoint ["a"]'], { Entrypoint: ['a'] }],
    [['ENTRYPOINT ["a"]', 'ENTRYPOINT ["b"]'], { Entrypoint: ['b'] }],
    [['ENV A=1 B="two words" C=\'x y\' D=a\\ b'], { Env: ['A=1', 'B=two words', 'C=x y', 'D=a b'] }],
    [['ENV A all of it'], { Env: ['A=all of it'] }],
    [['ENV A=1', 'ENV B=2', 'ENV A=3'], { Env: ['A=3', 'B=2'] }],
    [['ENV A='], { Env: ['A='] }],
    [['ENV A=b=c'], { Env: ['A=b=c'] }],
    [['EXPOSE 80 53/udp 9000-9002/TCP'], { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '9000/tcp': {}, '9001/tcp': {}, '9002/tcp': {} } }],
    [['LABEL a=1 "b c"="d e"', 'LABEL a=2'], { Labels: { a: '2', 'b c': 'd e' } }],
    [['LABEL path="a\\nb\\"c"'], { Labels: { path: 'a\\nb"c' } }],
    [['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
    [['USER 1000:1000'], { User: '1000:1000' }],
    [['VOLUME /a /b', 'VOLUME ["/c d"]'], { Volumes: { '/a': {}, '/b': {}, '/c d': {} } }],
    [['WORKDIR /a', 'WORKDIR b'], { WorkingDir: '/a/b' }],
    [['WORKDIR b'], { WorkingDir: '/b' }],
    [['ONBUILD RUN x', 'ONBUILD COPY . .'], { OnBuild: ['RUN x', 'COPY . .'] }],
    [['  USER   me  '], { User: 'me' }],
  ])('%j', (changes, expected) => expect(applyChanges({}, changes)).toEqual(expected))

  it('leaves the configuration it is given as it is', () => {
    const config: OCIImageRunConfig = Object.freeze({ Env: Object.freeze(['A=1']), Labels: Object.freeze({ x: 'y' }) })
    expect(applyChanges(config, ['ENV A=2', 'LABEL z=1'])).toEqual({ Env: ['A=2'], Labels: { x: 'y', z: '1' } })
  })

  it.each([
    ['RUN x', 'RUN'],
    ['FROM x', 'FROM'],
    ['', 'instruction'],
    ['CMD', 'instruction'],
    ['CMD  ', 'argument'],
    ['CMD [1]', 'texts'],
    ['ENV =x', 'key=value'],
    ['ENV A=1 B', 'key=value'],
    ['ENV A="x', 'closed'],
    ['EXPOSE web', 'port'],
    ['EXPOSE 70000', 'port'],
    ['EXPOSE 90-80', 'port'],
    ['USER a b', 'exactly one'],
    ['__proto__ x', 'instruction'],
    ['constructor x', 'CONSTRUCTOR'],
  ])('refuses %j', (change, why) => {
    try {
      applyChanges({}, ['USER ok', change], 'changes')
      expect.unreachable()
    } catch (error) {
      if (!isLibpodError(error, 'invalid-argument')) throw error
      expect(error.details.path).toBe('changes[1]')
      expect(error.message).toContain(why)
    }
  })
})
