import { type Digest, digestOf } from '../base/digest.ts'

/** The chain ids of layers, the lowest first: each names a layer together with all below it. */
export function chainIdsOf(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}
