/** A message of the kernel about a device: `ACTION@DEVPATH`, then `KEY=VALUE` pairs, each ended by a zero byte. Pure. */
export interface Uevent {
  readonly action: string;
  readonly devicePath: string;
  /** Name of the node below /dev; empty for devices without one. */
  readonly deviceName: string;
}

export function parseUevent(message: Buffer): Uevent | undefined {
  const [head = '', ...fields] = message.toString('latin1').split('\0');
  const [, action, devicePath] = /^([a-z]+)@(.*)$/.exec(head) ?? [];
  if (action === undefined || devicePath === undefined) return undefined;
  const deviceName = fields.find((field) => field.startsWith('DEVNAME='))?.slice('DEVNAME='.length) ?? '';
  return { action, devicePath, deviceName };
}
