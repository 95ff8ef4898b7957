/** Addresses in the kernel's form: bytes in network order. An invalid address is an error of the request. */
import { isIPv4, isIPv6 } from 'node:net';
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../errors/grpc-error.ts';

export interface IpBytes {
  readonly family: 'inet' | 'inet6';
  readonly bytes: Buffer;
}

/** An address with the length of its network's prefix in bits. */
export interface Prefix extends IpBytes {
  readonly length: number;
}

const refuse = (text: string): GrpcError =>
  new GrpcError(status.INVALID_ARGUMENT, `invalid address in a network request: ${JSON.stringify(text)}`);

const ipv4Bytes = (text: string): number[] => text.split('.').map(Number);

function ipv6Bytes(text: string): number[] {
  const groups = (part: string): number[] =>
    part
      .split(':')
      .filter(Boolean)
      .flatMap((group) => (group.includes('.') ? ipv4Bytes(group) : [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
  const [head, tail] = text.split('::');
  const [front, back] = [groups(head ?? ''), groups(tail ?? '')];
  return [...front, ...Array.from({ length: 16 - front.length - back.length }, () => 0), ...back];
}

/** `10.0.0.1`, `fd00::1`; the zone of `fe80::1%eth0` is dropped, because requests name the device separately. @throws GrpcError */
export function parseIp(text: string): IpBytes {
  const [address = ''] = text.split('%');
  if (isIPv4(address)) return { family: 'inet', bytes: Buffer.from(ipv4Bytes(address)) };
  if (isIPv6(address)) return { family: 'inet6', bytes: Buffer.from(ipv6Bytes(address)) };
  throw refuse(text);
}

/** `10.0.0.0/8`; without a length it is the address alone. @throws GrpcError */
export function parsePrefix(text: string): Prefix {
  const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = parseIp(address);
  const bits = ip.bytes.length * 8;
  const given = length === undefined ? bits : Number(length);
  if (given > bits) throw refuse(text);
  return { ...ip, length: given };
}

/** Hardware address: six bytes for Ethernet, up to twenty. @throws GrpcError */
export function parseMac(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5,19}$/i.test(text)) throw refuse(text);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}
