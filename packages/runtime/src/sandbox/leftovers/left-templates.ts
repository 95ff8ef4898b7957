/** Templates that no VM will be cloned from. Running clones do not need them. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { TemplateStore } from '../../factory/templates/template-store.ts';
import { failuresOf } from './leftover.ts';
import type { Leftover } from './leftover.ts';

const MIB = 1 << 20;

export function leftTemplates(store: TemplateStore): Leftover[] {
  const remove = (key: string) => async (): Promise<void> => {
    if (!(await store.remove(key))) throw new KataError(`VM template ${key} is being made or loaded`);
  };
  const outdated = store.list().filter(({ isFresh }) => !isFresh);
  return [
    ...outdated.map(({ key, bytes }) => ({
      what: `template ${key} (${Math.ceil(bytes / MIB)} MiB)`,
      why: 'QEMU, kernel or image have changed since it was made',
      remove: () => failuresOf([remove(key)]),
    })),
    ...store.abandoned().map((key) => ({
      what: `template ${key}`,
      why: 'the process that made it has ended before it was complete',
      remove: () => failuresOf([remove(key)]),
    })),
  ];
}
