/** Rules of the devices cgroup (config-linux.md of the OCI specification), which the guest applies to its own devices. Pure. */
import type { LinuxDeviceCgroup } from '@kata-containers/common/generated/oci';
import type { Device, DeviceCgroup, Integer } from '@kata-containers/common/oci/spec';

/** In the message, a number that is not given: 0 is a minor number. */
const ANY = -1n;

const isAny = (number: Integer | undefined): boolean => number === undefined || Number(number) < 0;

/** Type `a` matches every device, whatever its numbers are. */
const isOfBoth = (type: string | undefined): boolean => type === 'a' || type === undefined || type === '';
const isForAll = ({ type, major, minor }: DeviceCgroup): boolean => type === 'a' || (isOfBoth(type) && isAny(major) && isAny(minor));

/** Rules without an exception for the other devices, as of a privileged container. */
export const allowAll = (rules: readonly DeviceCgroup[]): boolean => rules.findLast(isForAll)?.allow === true;

/** The last rule that matches a device applies. */
export function isWritable(rules: readonly DeviceCgroup[], { major, minor }: Device): boolean {
  const covers = ({ access = '', ...rule }: DeviceCgroup): boolean => {
    const isOf = (own: Integer | undefined, number: Integer | undefined): boolean => isAny(own) || Number(own) === Number(number ?? 0);
    const isOfBlocks = rule.type === 'b' || isOfBoth(rule.type);
    const isNamed = isForAll(rule) || (isOfBlocks && isOf(rule.major, major) && isOf(rule.minor, minor));
    return isNamed && (access === '' || access.includes('w'));
  };
  return rules.findLast(covers)?.allow ?? true;
}

const message = ({ allow, type = '', major, minor, access = '' }: DeviceCgroup): LinuxDeviceCgroup => ({
  Allow: allow,
  Type: type === 'u' ? 'c' : type, // unbuffered character devices
  Major: isAny(major) ? ANY : BigInt(major ?? 0),
  Minor: isAny(minor) ? ANY : BigInt(minor ?? 0),
  Access: access === '' ? 'rwm' : access,
});

/** A container may open /dev/net/tun without a rule, as with runc. crun allows the other devices that runc allows. */
const TUN: DeviceCgroup = { allow: true, type: 'c', major: 10, minor: 200, access: 'rwm' };

/**
 * The guest's rules: those of the specification, after one that denies everything, as in runc. The agent replaces the numbers of disks. In
 * the guest, the number of an `absent` device may belong to another device: no rule allows to open it.
 */
export function guestDeviceRules(rules: readonly DeviceCgroup[], absent: readonly Device[]): LinuxDeviceCgroup[] {
  const isOf = (rule: DeviceCgroup, { type, major, minor }: Device): boolean =>
    rule.type === type && rule.major === major && rule.minor === minor;
  const known = rules.filter((rule) => !absent.some((device) => isOf(rule, device)));
  const denied = absent.map(({ type, major, minor }) => ({
    allow: false,
    type,
    access: 'rw',
    ...{ major: major ?? 0, minor: minor ?? 0 },
  }));
  return [{ allow: false }, ...known, TUN, ...(allowAll(rules) ? denied : [])].map(message);
}
