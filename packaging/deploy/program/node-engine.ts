/** The engine of a node, as its kubelet reports it (status.nodeInfo.containerRuntimeVersion). Pure. */
export interface NodeEngine {
  readonly name: 'containerd' | 'cri-o';
  readonly major: number;
  readonly unit: string;
}

const units = { containerd: 'containerd', 'cri-o': 'crio' } as const;

/** `text` is "containerd://1.7.24" or the like. @throws Error for other engines */
export function parseEngine(text: string): NodeEngine {
  const [, name = '', major = ''] = /^([a-z-]+):\/\/v?(\d+)\./.exec(text) ?? [];
  if (name !== 'containerd' && name !== 'cri-o')
    throw new Error(`the node's engine is "${text}", and kata-deploy supports containerd and cri-o`);
  return { name, major: Number(major), unit: units[name] };
}
