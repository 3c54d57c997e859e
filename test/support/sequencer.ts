import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Those that take long, the longest first: what runs beside them has to fill their time, not the other way round. */
const long = [
  'test/survival/steps.test.ts',
  'test/survival/network.test.ts',
  'src/state/stores/lmdb.test.ts',
  'test/survival/two-processes.test.ts',
  'test/survival/random.test.ts',
  'test/survival/exits.test.ts',
  'src/storage/snapshots/snapshotters.test.ts',
  'test/survival/operations.test.ts',
  'test/registry/pull.test.ts',
  'test/survival/pods.test.ts',
]

/** Runs the long files first. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = long.indexOf(relative(this.ctx.config.root, moduleId))
      return place === -1 ? long.length : place
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
