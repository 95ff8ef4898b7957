/** The routes and policy rules that requests have added to the guest. Routes that processes of the guest have added are kept. */
import type { Route, Rule } from '@kata-containers/common/generated/types';
import { routeRequests } from './network-plan.ts';
import { changeGroup, groupsOf, removeGroup } from './route-group.ts';
import type { Group, Refusal } from './route-group.ts';
import { planRules } from './rule-change.ts';
import { refusedByKernel } from './route-socket.ts';
import type { RouteSocket } from './route-socket.ts';
import { deletionOf } from './rtnetlink-message.ts';
import { ruleRequest } from './rule-plan.ts';
import type { RuleRequest } from './rule-plan.ts';
import { indexOf, withSocket } from './set-up.ts';
import type { Calls } from './set-up.ts';

export class AddedRoutes {
  readonly #kernel: Calls;
  /** By `place`, in the order in which they were added. */
  readonly #groups = new Map<string, Group>();
  #rules: readonly RuleRequest[] = [];

  constructor(kernel: Calls) {
    this.#kernel = kernel;
  }

  /** @throws GrpcError */
  add(routes: readonly Route[]): void {
    const wanted = routeRequests(routes, indexOf);
    withSocket(this.#kernel, (socket) => this.#addRoutes(socket, wanted));
  }

  /** Replaces what earlier requests have added. A route of both requests is never missing in between. @throws GrpcError */
  replace(routes: readonly Route[], rules: readonly Rule[]): void {
    const [wanted, wantedRules] = [routeRequests(routes, indexOf), rules.map(ruleRequest)];
    withSocket(this.#kernel, (socket) => {
      if (this.#change(socket, wanted, wantedRules)) return;
      // An earlier route or rule may hide a new route's gateway.
      this.#clear(socket);
      this.#addRoutes(socket, wanted);
      for (const rule of wantedRules) {
        socket.carryOut(rule);
        this.#rules = [...this.#rules, rule];
      }
    });
  }

  #addRoutes(socket: RouteSocket, routes: Group): void {
    const refused = this.#changeGroups(socket, routes);
    if (refused) throw refusedByKernel(refused.what, refused.errno);
  }

  #changeGroups(socket: RouteSocket, routes: Group): Refusal | undefined {
    for (const [place, group] of groupsOf(routes)) {
      const refused = changeGroup(socket, this.#groups.get(place) ?? [], group);
      if (refused) return refused;
      this.#groups.set(place, group);
    }
    return undefined;
  }

  /** @returns false if the kernel refuses a route or a rule */
  #change(socket: RouteSocket, routes: Group, rules: readonly RuleRequest[]): boolean {
    // Also adds the known routes again: the guest has lost the routes of a link that was down.
    if (this.#changeGroups(socket, routes)) return false;
    const plan = planRules(this.#rules, rules);
    // Rules are added after routes: the kernel looks up gateways with the existing rules.
    for (const rule of plan.added) {
      if (socket.ask(rule.message) !== 0) return false;
      this.#rules = [...this.#rules, rule];
    }
    plan.gone.forEach(({ message }) => socket.ask(deletionOf(message)));
    this.#rules = rules;
    if (!this.#removeOthers(socket, new Set(routes.map(({ place }) => place)))) return true;
    // A deletion without a metric also matches a new route with a metric if the earlier route is missing.
    return this.#changeGroups(socket, routes) === undefined;
  }

  /** @returns whether there was a route to remove */
  #removeOthers(socket: RouteSocket, places: ReadonlySet<string>): boolean {
    const others = [...this.#groups].filter(([place]) => !places.has(place)).reverse();
    for (const [place, group] of others) {
      removeGroup(socket, group);
      this.#groups.delete(place);
    }
    return others.length > 0;
  }

  #clear(socket: RouteSocket): void {
    [...this.#rules].reverse().forEach(({ message }) => socket.ask(deletionOf(message)));
    this.#rules = [];
    this.#removeOthers(socket, new Set());
  }
}
