/** The requests that set up a sandbox, as 1.x sends them (kata_agent.go). */
import { CreateSandboxRequest, Storage } from '@kata-containers/common/generated/agent';
import type { ARPNeighbors, Routes } from '@kata-containers/common/generated/agent';
import { ARPNeighbor, IPFamily, Interface, Route, Rule } from '@kata-containers/common/generated/types';
import type { HypervisorConfiguration } from '../configuration/schema.ts';
import type { Address, Link, Neighbour, Route as HostRoute } from '../network/parse-links.ts';
import type { Rule as HostRule } from '../network/parse-rules.ts';
import { guestShare } from '../context/paths.ts';
import { hasFeature } from '../hypervisor/qemu/qemu-features.ts';

const family = (name: 'inet' | 'inet6'): IPFamily => (name === 'inet6' ? IPFamily.v6 : IPFamily.v4);
/** Interface flag of linux/if.h; the only one that the agent reads. */
const IFF_NOARP = 0x80;
/** Neighbour state of linux/neighbour.h. */
const NUD_PERMANENT = 0x80;
/** Longest host name that the kernel accepts (HOST_NAME_MAX). */
const MAX_HOSTNAME = 64;

export function interfaceRequest(link: Link): Interface {
  return Interface.fromPartial({
    device: link.name,
    name: link.name,
    mtu: BigInt(link.mtu),
    hwAddr: link.mac,
    raw_flags: link.noArp ? IFF_NOARP : 0,
    no_ipv6: link.ipv6.isDisabled,
    no_ipv6_of: [...link.ipv6.disabledOf],
    accept_ra: link.ipv6.acceptsAdvertisements,
    sysctls: { ...link.sysctls },
    type: link.kind,
    IPAddresses: link.addresses.map(({ family: name, address, prefixLength }: Address) => ({
      family: family(name),
      address,
      mask: String(prefixLength),
    })),
  });
}

function routeRequest({ destination, family: _, nextHops = [], ...route }: HostRoute): Route {
  return Route.fromPartial({ dest: destination, ...route, nextHops: nextHops.map((hop) => ({ ...hop })) });
}

const ruleRequest = ({ family: name, mark, ...rule }: HostRule): Rule =>
  Rule.fromPartial({ family: family(name), ...rule, ...(mark && { mark: mark.value, mask: mark.mask }) });

/** The kernel uses the first of the routes with the same place. */
const placeOf = ({ family: name, destination, priority }: HostRoute): string =>
  [name, destination === '0.0.0.0/0' ? '' : destination, priority].join(' ');

/**
 * Routes with several gateways or with one of the other family, and routes of other tables, are sent separately: 1.x's agent does not
 * support them. Routes with the same place are sent together, which keeps their order.
 */
export function routesRequest(routes: readonly HostRoute[], rules: readonly HostRule[]): Routes {
  const main = routes.filter(({ table }) => table === undefined);
  const isUnknownTo1x = ({ family: name, gateway, nextHops }: HostRoute): boolean =>
    nextHops !== undefined || (name === 'inet' && gateway.includes(':'));
  const places = new Set(main.filter(isUnknownTo1x).map(placeOf));
  const isNotOf1x = (route: HostRoute): boolean => places.has(placeOf(route));
  return {
    Routes: main.filter((route) => !isNotOf1x(route)).map(routeRequest),
    Multipath: main.filter(isNotOf1x).map(routeRequest),
    Policy: { rules: rules.map(ruleRequest), routes: routes.filter(({ table }) => table !== undefined).map(routeRequest) },
  };
}

export function neighboursRequest(neighbours: readonly Neighbour[]): ARPNeighbors {
  const rows = neighbours.map(({ address, device, mac }) =>
    ARPNeighbor.fromPartial({
      toIPAddress: { family: family(address.includes(':') ? 'inet6' : 'inet'), address, mask: '' },
      device,
      lladdr: mac,
      state: NUD_PERMANENT,
    }),
  );
  return { ARPNeighbors: rows };
}

/** Mount options of the share in the guest. */
export type Share =
  { readonly driver: '9p'; readonly msize: number; readonly acls: boolean } | { readonly driver: 'virtio-fs'; readonly dax: boolean };

type ShareKeys = 'path' | 'shared_fs' | 'msize_9p' | 'virtio_fs_cache' | 'virtio_fs_cache_size';

/** POSIX ACLs are enabled if QEMU supports them. Files are mapped through the DAX window only if the guest may cache them. */
export function shareOf(configuration: Pick<HypervisorConfiguration, ShareKeys>): Share {
  const { path, shared_fs: kind, msize_9p: msize, virtio_fs_cache: cache, virtio_fs_cache_size: window } = configuration;
  if (kind !== 'virtio-fs') return { driver: '9p', msize, acls: hasFeature(path, 'acls-and-capabilities-on-9p') };
  return { driver: 'virtio-fs', dax: window > 0 && cache !== '' && cache !== 'none' };
}

export interface SandboxFacts {
  readonly id: string;
  readonly hostname: string;
  readonly dns: readonly string[];
  readonly shmBytes: number;
  readonly share: Share;
  /** Directory in the guest. */
  readonly guestHookPath: string;
  /** Each as "name parameter=value …". */
  readonly kernelModules: readonly string[];
}

function shareMount(share: Share): { fstype: string; options: string[] } {
  if (share.driver === 'virtio-fs') return { fstype: 'virtiofs', options: share.dax ? ['dax'] : [] };
  const acls = share.acls ? ['posixacl'] : [];
  return { fstype: '9p', options: ['trans=virtio,version=9p2000.L,cache=mmap', ...acls, 'nodev', `msize=${share.msize}`] };
}

/** The share with the containers' files, and the sandbox's /dev/shm. */
function storages({ shmBytes, share: kind }: SandboxFacts): Storage[] {
  const share = { driver: kind.driver, source: 'kataShared', mount_point: `${guestShare}/`, ...shareMount(kind) };
  const shm = {
    driver: 'ephemeral',
    source: 'shm',
    fstype: 'tmpfs',
    mount_point: '/run/kata-containers/sandbox/shm',
    options: ['noexec', 'nosuid', 'nodev', 'mode=1777', `size=${shmBytes}`],
  };
  return [share, shm].map((storage) => Storage.fromPartial(storage));
}

function kernelModule(text: string): { name: string; parameters: string[] } {
  const [name = '', ...parameters] = text.split(/\s+/).filter(Boolean);
  return { name, parameters };
}

export function createSandboxRequest(facts: SandboxFacts): CreateSandboxRequest {
  return CreateSandboxRequest.fromPartial({
    hostname: facts.hostname.slice(0, MAX_HOSTNAME),
    dns: [...facts.dns],
    storages: storages(facts),
    sandbox_id: facts.id,
    guest_hook_path: facts.guestHookPath,
    kernel_modules: facts.kernelModules.map(kernelModule),
  });
}
