/** The routes and policy rules that requests have added to the guest. Those that processes of the guest have added stay. */
import type { Route, Rule } from '@kata-containers/common/generated/types';
import { routeRequests } from './network-plan.ts';
import type { NetworkRequest } from './route-socket.ts';
import { deletionOf } from './rtnetlink-message.ts';
import { ruleRequest } from './rule-plan.ts';
import { indexOf, withSocket } from './set-up.ts';
import type { Calls } from './set-up.ts';

export class AddedRoutes {
  readonly #kernel: Calls;
  /** In the order of their addition. */
  #added: Buffer[] = [];

  constructor(kernel: Calls) {
    this.#kernel = kernel;
  }

  /** Removes what `add` has added. A missing route, such as one of a link that was down, is no error. */
  clear(): void {
    const added = this.#added.reverse();
    this.#added = [];
    if (added.length > 0) withSocket(this.#kernel, (socket) => added.forEach((message) => socket.ask(deletionOf(message))));
  }

  /** Rules come last: the kernel looks up gateways with the rules that exist. @throws GrpcError */
  add(routes: readonly Route[], rules: readonly Rule[]): void {
    const requests: NetworkRequest[] = [...routeRequests(routes, indexOf), ...rules.map(ruleRequest)];
    withSocket(this.#kernel, (socket) => {
      for (const request of requests) {
        socket.carryOut(request);
        this.#added.push(request.message);
      }
    });
  }
}
