import { closeSync, openSync } from 'node:fs'
import type { HelperOperation } from '../helper/helper.ts'
import { inNamespace, makeNetworkNamespace } from '../namespaces.ts'
import { makeBridge, removeLink } from './make-link.ts'
import { runAtNamespace } from './program-operation.ts'

/** What the operation `network.namespace` is given. */
export interface NamespaceParams {
  /** Links to make in it, as stand-ins for those of a container whose own namespace is gone. */
  readonly links: readonly string[]
}

/** What the operation `network.stand-in` is given. */
export interface StandInParams {
  /** A namespace as a file. */
  readonly namespace: string
  /** Links to make there, where they are missing. */
  readonly links: readonly string[]
  /** Bridges to make in the host's namespace, where they are missing. */
  readonly bridges: readonly string[]
  /** Those of the bridges that are made anew, without ports. */
  readonly fresh: readonly string[]
}

/** What this room has done by the helper process, which alone may leave its network namespace. */
export const networkOperations: Readonly<Record<string, HelperOperation>> = {
  /** Makes a namespace and keeps it until the host says that it has opened it too. */
  async 'network.namespace'(params, { send, messages }) {
    const { links } = params as NamespaceParams
    const fd = makeNetworkNamespace()
    try {
      makeLinks(fd, links)
      send({ path: `/proc/${process.pid}/fd/${fd}` })
      for await (const _ of messages) break
    } finally {
      closeSync(fd)
    }
  },
  'network.program': runAtNamespace,
  'network.stand-in'(params) {
    const { namespace, links, bridges, fresh } = params as StandInParams
    for (const bridge of fresh) removeLink(bridge)
    for (const bridge of bridges) makeBridge(bridge)
    const fd = openSync(namespace, 'r')
    try {
      makeLinks(fd, links)
    } finally {
      closeSync(fd)
    }
  },
}

function makeLinks(fd: number, links: readonly string[]): void {
  if (links.length === 0) return
  inNamespace('net', fd, () => {
    for (const link of links) makeBridge(link)
  })
}
