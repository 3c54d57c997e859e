import { LibpodError } from '../base/errors.ts'
import type { OCIImageRunConfig } from '../specs/image-spec.ts'
import { splitPairs, splitWords } from './instruction-words.ts'

/** The instructions of a Containerfile that change only an image's configuration. */
const instructions: Readonly<Record<string, (config: OCIImageRunConfig, rest: string, refuse: Refuse) => OCIImageRunConfig>> = {
  CMD: (config, rest, refuse) => ({ ...config, Cmd: command(rest, refuse) }),
  ENTRYPOINT: (config, rest, refuse) => ({ ...config, Entrypoint: command(rest, refuse) }),
  ENV: (config, rest, refuse) => ({ ...config, Env: mergeEnv(config.Env ?? [], splitPairs(rest, refuse)) }),
  EXPOSE: (config, rest, refuse) => ({
    ...config,
    ExposedPorts: { ...config.ExposedPorts, ...toSet(splitWords(rest, refuse).flatMap((word) => ports(word, refuse))) },
  }),
  LABEL: (config, rest, refuse) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(splitPairs(rest, refuse)) } }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), rest] }),
  STOPSIGNAL: (config, rest, refuse) => ({ ...config, StopSignal: single(rest, refuse) }),
  USER: (config, rest, refuse) => ({ ...config, User: single(rest, refuse) }),
  VOLUME: (config, rest, refuse) => ({
    ...config,
    Volumes: { ...config.Volumes, ...toSet(jsonTexts(rest, refuse) ?? splitWords(rest, refuse)) },
  }),
  WORKDIR: (config, rest, refuse) => ({ ...config, WorkingDir: resolveWorkdir(config.WorkingDir, single(rest, refuse)) }),
}

type Refuse = (why: string) => never

/**
 * Applies Containerfile instructions to an image's configuration, in their order. The form `CMD=…` is also taken, as Podman
 * does. Variables are not expanded. Rejects with `invalid-argument` at `path[index]`.
 */
export function applyChanges(config: OCIImageRunConfig, changes: readonly string[], path = 'changes'): OCIImageRunConfig {
  return changes.reduce((current, change, index) => applyChange(current, change, `${path}[${index}]`), config)
}

function applyChange(config: OCIImageRunConfig, change: string, path: string): OCIImageRunConfig {
  const refuse: Refuse = (why) => {
    const known = Object.keys(instructions).join(', ')
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${JSON.stringify(change)}: ${why}.`,
      { path, value: change },
      { hint: `The instructions are ${known}.` },
    )
  }
  if (typeof change !== 'string') return refuse('it is not a text')
  const [, name = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s*=|\s)\s*(.*?)\s*$/s.exec(change) ?? []
  if (name === '') return refuse('it is not an instruction and its arguments')
  const key = name.toUpperCase()
  const instruction = Object.hasOwn(instructions, key) ? instructions[key] : undefined
  if (instruction === undefined) return refuse(`the instruction ${key} cannot be used here`)
  if (rest === '') return refuse(`${key} needs an argument`)
  return instruction(config, rest, refuse)
}

/** The exec form, `["a", "b"]`, or a command line for the shell. */
function command(rest: string, refuse: Refuse): readonly string[] {
  return jsonTexts(rest, refuse) ?? ['/bin/sh', '-c', rest]
}

/** A JSON list of texts; `undefined` for what is none, which then is the other form, as in every Containerfile. */
function jsonTexts(rest: string, refuse: Refuse): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  let list: unknown
  try {
    list = JSON.parse(rest)
  } catch {
    return undefined
  }
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list
  return refuse('the list may hold only texts')
}

/** The one word of an instruction that takes one; it may hold spaces only in quotes. */
function single(rest: string, refuse: Refuse): string {
  const [word, ...more] = splitWords(rest, refuse)
  return word === undefined || word === '' || more.length > 0 ? refuse('it takes exactly one argument') : word
}

/** `KEY=value` over the environment so far: a later one replaces an earlier one in its place. */
function mergeEnv(env: readonly string[], pairs: readonly (readonly [string, string])[]): readonly string[] {
  const merged = new Map(env.map((entry) => [entry.split('=', 1)[0] ?? entry, entry]))
  for (const [key, value] of pairs) merged.set(key, `${key}=${value}`)
  return [...merged.values()]
}

/** `80`, `53/udp`, `8000-8002/tcp` → one entry per port, with its protocol. */
function ports(word: string, refuse: Refuse): readonly string[] {
  const [, first = '', , last = first, , protocol = 'tcp'] = /^(\d{1,5})(-(\d{1,5}))?(\/(tcp|udp|sctp))?$/i.exec(word) ?? []
  const from = Number(first)
  const to = Number(last)
  if (first === '' || from < 1 || to > 65_535 || to < from)
    return refuse(`${JSON.stringify(word)} is not a port, as 80, 53/udp or 8000-8002`)
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`)
}

function resolveWorkdir(current: string | undefined, workdir: string): string {
  return workdir.startsWith('/') ? workdir : `${(current ?? '/').replace(/\/+$/, '')}/${workdir}`
}

function toSet(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]))
}
