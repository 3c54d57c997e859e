import type { Row } from '../bench.ts'
import { bridge } from './bridge.ts'
import { cold } from './cold.ts'
import { create } from './create.ts'
import { exec } from './exec.ts'
import { layer } from './layer.ts'
import { life } from './life.ts'
import { list } from './list.ts'
import { many } from './many.ts'
import { parallel } from './parallel.ts'
import { pod } from './pod.ts'
import { pull } from './pull.ts'
import { run } from './run.ts'

/** All rows, in the order of the table. */
export const rows: readonly Row[] = [life, run, bridge, pod, exec, create, list, parallel, many, cold, layer, pull]
