import assert from 'node:assert/strict';
import { AttachedCalls } from './attached-calls.ts';
import type { Cancellation } from './attached-calls.ts';

describe('AttachedCalls', () => {
  /** A call that can be cut off. */
  function call(): { onCancelled: (notify: (how: Cancellation) => void) => void; cutOff: (how: Cancellation) => void } {
    let listener: (how: Cancellation) => void = () => {};
    return { onCancelled: (notify) => (listener = notify), cutOff: (how) => listener(how) };
  }
  const forever = (): Promise<never> => new Promise(() => {});

  const cases: [name: string, act: (followers: AttachedCalls) => Promise<void> | void, abandoned: boolean][] = [
    ['nobody ever followed', () => {}, false],
    ['the answer was given', (followers) => followers.follow(call(), Promise.resolve()), false],
    [
      'the caller closes the connection after the answer',
      async (followers) => {
        const only = call();
        await followers.follow(only, Promise.resolve());
        only.cutOff('gone');
      },
      false,
    ],
    [
      'the only one is cut off',
      (followers) => {
        const only = call();
        void followers.follow(only, forever());
        only.cutOff('gone');
      },
      true,
    ],
    [
      'its deadline has passed',
      (followers) => {
        const only = call();
        void followers.follow(only, forever());
        only.cutOff('deadline');
      },
      false,
    ],
    [
      'another one is still there',
      (followers) => {
        const [first, second] = [call(), call()];
        void followers.follow(first, forever());
        void followers.follow(second, forever());
        first.cutOff('gone');
      },
      false,
    ],
    [
      'both are cut off',
      (followers) => {
        const both = [call(), call()];
        for (const one of both) void followers.follow(one, forever());
        for (const one of both) one.cutOff('gone');
      },
      true,
    ],
  ];
  for (const [name, act, expected] of cases) {
    it(`${name}: ${expected ? 'abandoned' : 'not abandoned'}`, async () => {
      let abandoned = false;
      const followers = new AttachedCalls(() => (abandoned = true));
      await act(followers);
      assert.equal(abandoned, expected);
    });
  }
});
