import assert from 'node:assert/strict';
import { AttachedCalls } from './attached-calls.ts';
import type { Cancellation } from './attached-calls.ts';

describe('AttachedCalls', () => {
  /** A call whose connection can be broken. */
  function call(): { onCancelled: (notify: (how: Cancellation) => void) => void; cutOff: (how: Cancellation) => void } {
    let listener: (how: Cancellation) => void = () => {};
    return { onCancelled: (notify) => (listener = notify), cutOff: (how) => listener(how) };
  }
  const forever = (): Promise<never> => new Promise(() => {});

  const cases: [name: string, act: (attachedCalls: AttachedCalls) => Promise<void> | void, abandoned: boolean][] = [
    ['no call was attached', () => {}, false],
    ['the call was answered', (attachedCalls) => attachedCalls.follow(call(), Promise.resolve()), false],
    [
      'the caller closes the connection after the answer',
      async (attachedCalls) => {
        const only = call();
        await attachedCalls.follow(only, Promise.resolve());
        only.cutOff('gone');
      },
      false,
    ],
    [
      'the connection of the only call breaks',
      (attachedCalls) => {
        const only = call();
        void attachedCalls.follow(only, forever());
        only.cutOff('gone');
      },
      true,
    ],
    [
      'the deadline of the call has passed',
      (attachedCalls) => {
        const only = call();
        void attachedCalls.follow(only, forever());
        only.cutOff('deadline');
      },
      false,
    ],
    [
      'another call is still attached',
      (attachedCalls) => {
        const [first, second] = [call(), call()];
        void attachedCalls.follow(first, forever());
        void attachedCalls.follow(second, forever());
        first.cutOff('gone');
      },
      false,
    ],
    [
      'the connections of both calls break',
      (attachedCalls) => {
        const both = [call(), call()];
        for (const one of both) void attachedCalls.follow(one, forever());
        for (const one of both) one.cutOff('gone');
      },
      true,
    ],
  ];
  for (const [name, act, expected] of cases) {
    it(`${name}: ${expected ? 'abandoned' : 'not abandoned'}`, async () => {
      let abandoned = false;
      const attachedCalls = new AttachedCalls(() => (abandoned = true));
      await act(attachedCalls);
      assert.equal(abandoned, expected);
    });
  }
});
