/** `factory init | status | destroy`: 1.x's commands for VM templates. Templates come and go without them, too. */
import { KataError, UsageError } from '@kata-containers/common/errors/kata-error';
import { spareMac } from '../../factory/spare-link-plan.ts';
import { templateInputs, templateKey } from '../../factory/template-key.ts';
import { holdTemplate, templateObstacle, templateStore } from '../../factory/use-template.ts';
import type { QemuPlan } from '../../hypervisor/qemu/command-line.ts';
import { planVm } from '../../hypervisor/qemu/plan-vm.ts';
import { accelerate } from '../../sandbox/accelerate.ts';
import type { Context } from '../../sandbox/context.ts';
import type { Verb } from '../verb.ts';

/** The VM that a container has as a rule: with one network device. */
async function usualPlan(context: Context): Promise<QemuPlan> {
  const { hypervisor, agent, runtime } = context.configuration;
  const anywhere = '/';
  return planVm(hypervisor, {
    sandboxId: 'template',
    accelerator: await accelerate(context),
    networks: runtime.internetworking_model === 'none' ? [] : [{ tap: 'tap0_kata', mac: spareMac(0) }],
    sharedDirectory: anywhere,
    paths: { qmpSocket: anywhere, consoleSocket: anywhere, agentSocket: anywhere, pidFile: anywhere },
    agentDebug: agent.enable_debug,
  });
}

function hasTemplate(context: Context, plan: QemuPlan): boolean {
  return templateStore(context).has(templateKey(plan, templateInputs(plan)));
}

async function init(context: Context): Promise<string> {
  if (!context.configuration.factory.enable_template) return 'vm factory or VMCache is not enabled';
  const obstacle = templateObstacle(context.configuration);
  if (obstacle !== undefined) throw new KataError(obstacle);
  const plan = await usualPlan(context);
  if (hasTemplate(context, plan)) throw new KataError(`There is already a VM template in ${context.configuration.factory.template_path}`);
  (await holdTemplate(context, plan)).release();
  return 'vm factory initialized';
}

async function status(context: Context): Promise<string> {
  if (templateObstacle(context.configuration) !== undefined) return 'vm factory not enabled';
  return `vm factory is ${hasTemplate(context, await usualPlan(context)) ? 'on' : 'off'}`;
}

async function destroy(context: Context): Promise<string> {
  await templateStore(context).destroy();
  return 'vm factory destroyed';
}

const actions: Readonly<Record<string, (context: Context) => Promise<string>>> = { init, status, destroy };

export const factory: Verb = {
  describe: (command) => void command.argument('<action>', 'init: make a template now; status: is there one; destroy: remove all'),
  async run({ words: [name = '', ...rest], context }) {
    const action = actions[name];
    if (!action || rest.length > 0)
      throw new UsageError(`Expecting one of ${Object.keys(actions).join(', ')}, got "${[name, ...rest].join(' ')}"`);
    console.log(await action(await context()));
    return 0;
  },
};
