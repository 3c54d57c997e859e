import type { RuntimeProcess, RuntimeRlimit, RuntimeSpec } from '../specs/runtime-spec.ts'

/** RLIM_INFINITY, which no JavaScript number can hold exactly. */
const unlimited = '18446744073709551615'

/** `config.json`, compact, with limits of `Infinity` as the runtimes write them. */
export function serializeSpec({ process, ...rest }: RuntimeSpec): string {
  return process === undefined ? JSON.stringify(rest) : `{"process":${serializeProcess(process)},${JSON.stringify(rest).slice(1)}`
}

/** The file that `exec --process` reads. */
export function serializeProcess({ rlimits, ...rest }: RuntimeProcess): string {
  return rlimits === undefined
    ? JSON.stringify(rest)
    : `{"rlimits":[${rlimits.map(serializeRlimit).join()}],${JSON.stringify(rest).slice(1)}`
}

function serializeRlimit({ type, hard, soft }: RuntimeRlimit): string {
  return `{"type":${JSON.stringify(type)},"hard":${serializeLimit(hard)},"soft":${serializeLimit(soft)}}`
}

function serializeLimit(limit: number): string {
  return Number.isFinite(limit) ? JSON.stringify(limit) : unlimited
}
