import { createMemoryStore } from './memory.ts'
import { testStateStore } from './store-suite.ts'

testStateStore('memory store', {
  traits: createMemoryStore().traits,
  module: './memory.js',
  opener: 'createMemoryStore',
  optionsIn: () => ({}),
  open: async () => createMemoryStore(),
})
