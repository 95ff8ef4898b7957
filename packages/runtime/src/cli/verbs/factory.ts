/** `factory init | status | prune | destroy`: 1.x's commands for VM templates and for the VM cache. Templates are created and removed without them, too. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError, UsageError } from '@kata-containers/common/errors/kata-error';
import { endCacheServer } from '../../factory/cache/end-server.ts';
import { withCacheServer } from '../../factory/cache/request-vm.ts';
import { cloneObstacle } from '../../factory/templates/cloneable-plan.ts';
import { spareMac } from '../../factory/templates/spare-link-plan.ts';
import { templateRows } from '../../factory/templates/template-list.ts';
import { keyOf } from '../../factory/templates/template-key.ts';
import { lockTemplate, templateStore } from '../../factory/templates/use-template.ts';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { tapName } from '../../network/tcfilter-plan.ts';
import { planVm } from '../../vm/plan-vm.ts';
import { detectAccelerator } from '../../sandbox/detect-accelerator.ts';
import type { Context } from '../../context/context.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { withProgress } from '../output/with-progress.ts';
import type { Verb } from '../input/verb.ts';

const MIB = 1 << 20;

/** The usual VM of a container: with one network device. */
async function usualPlan(context: Context): Promise<QemuPlan> {
  const { hypervisor, agent, runtime } = context.configuration;
  const anywhere = '/';
  return planVm(hypervisor, {
    sandboxId: 'template',
    accelerator: await detectAccelerator(context),
    networks: runtime.internetworking_model === 'none' ? [] : [{ tap: tapName(0), mac: spareMac(0) }],
    sharedDirectory: anywhere,
    virtioFsSocket: anywhere,
    paths: { qmpSocket: anywhere, consoleSocket: anywhere, agentSocket: anywhere, pidFile: anywhere, qemuLog: anywhere },
    agentDebug: agent.enable_debug,
    debugShell: agent.debug_console_enabled,
  });
}

function hasTemplate(context: Context, plan: QemuPlan): boolean {
  return templateStore(context).has(keyOf(plan));
}

const TEMPLATE_PROGRESS = 'booting the VM template, from which the VMs of containers are cloned';

async function init(context: Context): Promise<string> {
  const { enable_template: wantsTemplate, vm_cache_number: cached, template_path: path } = context.configuration.factory;
  if (!wantsTemplate && cached === 0)
    throw new KataError('vm factory or VMCache is not enabled: set enable_template = true or vm_cache_number in [factory]');
  const plan = await usualPlan(context);
  const reason = cloneObstacle(plan);
  if (reason !== undefined) throw new KataError(`no VM can be prepared: ${reason}`);
  if (cached > 0) {
    await (await import('../../factory/cache/cache-server.ts')).runCacheServer(context, plan);
    return 'VM cache server has ended';
  }
  if (hasTemplate(context, plan)) throw new KataError(`There is already a VM template in ${path}`);
  (await withProgress(TEMPLATE_PROGRESS, () => lockTemplate(context, plan))).release();
  return 'vm factory initialized';
}

/** 1.x's lines. A server that does not answer is not an error: the state of the templates is printed nevertheless. */
async function cacheLines({ configuration }: Context, request: (endpoint: string) => Promise<string[]>): Promise<string[]> {
  const { vm_cache_number: cached, vm_cache_endpoint: endpoint } = configuration.factory;
  return cached === 0 ? [] : request(endpoint).catch((error: unknown) => [errorMessage(error)]);
}

const cacheStatus = (endpoint: string): Promise<string[]> =>
  withCacheServer(endpoint, async (call) => {
    const { pid, vmstatus } = await call('status');
    const vms = vmstatus.map((vm) => `VM pid = ${vm.pid} Cpu = ${vm.cpu} Memory = ${vm.memory}MiB`);
    return [`VM cache server pid = ${pid}`, ...vms];
  });

async function endCache(endpoint: string): Promise<string[]> {
  const pid = await endCacheServer(endpoint);
  return pid === undefined ? [] : [`VM cache server pid = ${pid} is still making a VM`];
}

async function status(context: Context): Promise<string> {
  const isEnabled = context.configuration.factory.enable_template;
  const isOn = isEnabled && hasTemplate(context, await usualPlan(context));
  const template = isEnabled ? `vm factory is ${isOn ? 'on' : 'off'}` : 'vm factory not enabled';
  const templates = templateStore(context).list();
  const rows = templates.length === 0 ? [] : [table(templateRows(templates, Date.now())).trimEnd()];
  return [...(await cacheLines(context, cacheStatus)), template, ...rows].join('\n');
}

async function destroy(context: Context): Promise<string> {
  const lines = await cacheLines(context, endCache);
  try {
    await templateStore(context).destroy();
  } catch (error) {
    throw new KataError([...lines, errorMessage(error)].join('\n'), { cause: error });
  }
  return [...lines, 'vm factory destroyed'].join('\n');
}

/** Removes outdated templates, which use memory until the next template is made. */
async function prune(context: Context): Promise<string> {
  const removed = await templateStore(context).prune();
  const lines = removed.map(({ key, bytes }) => `removed template ${key} (${Math.ceil(bytes / MIB)} MiB)`);
  return lines.length === 0 ? 'no template is outdated' : lines.join('\n');
}

const actions: Readonly<Record<string, (context: Context) => Promise<string>>> = { init, status, prune, destroy };

export const factory: Verb = {
  describe: (command) =>
    void command.argument(
      '<action>',
      'init: make a template now, or serve VMs from a cache; status: list templates; prune: remove outdated ones; destroy: remove all',
    ),
  async run({ args: [name = '', ...rest], context }) {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action || rest.length > 0)
      throw new UsageError(`Expecting one of ${Object.keys(actions).join(', ')}, got "${[name, ...rest].join(' ')}"`);
    if (process.geteuid?.() !== 0) throw new KataError(`factory ${name} uses files of root: run the command as root`);
    print(`${await action(await context())}\n`);
    return 0;
  },
};
