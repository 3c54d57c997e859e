import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'vitest'
import type { Image } from './image.ts'
import type { PullImageOptions } from './pull/pull-options.ts'
import { type PullSuite, pullSuite } from './pull-suite.ts'

/** What a registry does instead of what it should; `false`: it does what it should. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean

/** A registry that will misbehave. */
export interface HostileSuite {
  readonly suite: PullSuite
  pull(options?: PullImageOptions): Promise<Image>
  misbehave(how: Misbehaviour): void
  isBlob(url: URL, layer: number): boolean
  layerBytes(layer: number): Buffer
  /** The pull fails like this, nothing is left of it but what a next pull can go on with, and that one succeeds once the registry behaves. */
  expectFailure(code: string, message: RegExp, details?: object): Promise<void>
}

export async function hostileSuite(): Promise<HostileSuite> {
  const suite = await pullSuite()
  const { images, registry, services, layers, name } = suite
  const pull: HostileSuite['pull'] = (options) => images.pull(name, { tlsVerify: false, ...options })
  return {
    suite,
    pull,
    misbehave(how) {
      registry.misbehave = how
    },
    isBlob: (url, layer) => url.pathname.endsWith(layers[layer]?.digest ?? 'none'),
    layerBytes: (layer) => registry.bytes(layers[layer]?.digest ?? ''),
    async expectFailure(code, message, details = {}) {
      const error = await pull().catch((reason: Error) => reason)
      expect(error).toMatchObject({ code, details })
      expect(String(error)).toMatch(message)
      expect((error as { hint?: string }).hint ?? '').not.toBe('')
      expect(await images.list()).toEqual([])
      expect(services.leased()).toEqual(new Set())
      const isResumable = (left: string): boolean => layers.some(({ digest }) => left.startsWith(digest))
      expect((await services.leftovers()).filter((left) => !isResumable(left))).toEqual([])
      expect(services.events).toEqual([])
      registry.misbehave = undefined
      await pull()
      expect(await services.leftovers()).toEqual([])
    },
  }
}

export const isManifest = (url: URL): boolean => url.pathname.includes('/manifests/')

/** Answers with nothing but this. */
export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Misbehaviour =>
  (_, response) => {
    response.writeHead(code, headers).end(body)
    return true
  }
