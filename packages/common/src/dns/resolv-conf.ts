import { DOCKER_RESOLVER } from './dns-relay.ts';

/** Whether resolv.conf(5) names docker's resolver, which runs in the container's network namespace. */
export const namesDockerResolver = (lines: readonly string[]): boolean =>
  lines.some((line) => {
    const [keyword, address] = line.trim().split(/\s+/);
    return keyword === 'nameserver' && address === DOCKER_RESOLVER;
  });
