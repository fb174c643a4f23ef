/** What the training of a module with its own loss is made of. */
import { checkArgument } from '../../arguments';
import { parseConfig } from '../../config';
import { ArgumentError } from '../../errors';
import { native } from '../../native';
import { Module } from '../../nn';
import { AdamW, decayGroups, Optimizer } from '../../optim';
import { autocastOf, moduleTrainSchema, type ModuleTrainConfig } from '../config';
import type { Course } from '../course';
import { configForOverfit } from '../guards/overfit';
import { checkBatches } from './batches';
import { ModuleData } from './data';
import { evaluateModule } from './evaluate';
import { configOf, type ModuleTrainerOptions } from '../options';
import { ModuleStep } from '../steps/module-step';
import { Rates } from '../steps/rates';

/** Settings that belong to an optimiser of one's own. */
const optimizerSettings = ['learningRate', 'weightDecay', 'beta1', 'beta2', 'epsilon'] as const;

/** @throws ArgumentError, ConfigError, DataError */
export function moduleCourse<Net extends Module, Batch>(net: Net, options: ModuleTrainerOptions<Net, Batch>): Course {
  const given: unknown = net;
  if (!(given instanceof Module)) throw new ArgumentError('A Trainer takes an nn.Module.');
  const { loss, metrics, scheduler } = options;
  checkArgument(
    loss,
    'function',
    'The loss of a Trainer, such as (net, batch) => mseLoss(net.forward(batch.x), batch.y),',
  );
  if (metrics !== undefined) checkArgument(metrics, 'function', 'The metrics of a Trainer');
  if (scheduler !== undefined)
    checkArgument(scheduler, 'function', 'The scheduler of a Trainer, such as (optimizer) => ...,');
  checkBatches(options.data);
  const config = configForOverfit(configFor(options));
  const precision = autocastOf(config.precision);
  const data = new ModuleData(options.data, config, (validation, epoch, signal) =>
    evaluateModule(net, validation, { loss, metrics, precision, epoch, signal }),
  );
  const optimizer = optimizerOf(net, options, config);
  const rates = new Rates(optimizer, scheduler ?? null);
  const { maxGradNorm } = config;
  return {
    ...{ model: net, config, data, learningRate: rates.highest },
    open: () => new ModuleStep(net, data, { loss, optimizer, rates, maxGradNorm, precision }),
  };
}

function configFor<Net extends Module, Batch>(options: ModuleTrainerOptions<Net, Batch>): ModuleTrainConfig {
  const { optimizer, ...given } = configOf(options);
  if ((optimizer as unknown) instanceof Optimizer)
    throw new ArgumentError(
      '`optimizer` must be a function that makes one for the model: (net) => new optim.SGD(net.parameters(), { lr: 0.1 }).',
    );
  if (options.scheduler !== undefined && options.schedule !== undefined)
    throw new ArgumentError('Give either `schedule` or `scheduler`, not both.');
  const schedule = options.scheduler === undefined ? {} : { schedule: 'constant' };
  if (typeof optimizer !== 'function')
    return parseConfig({ ...given, optimizer, ...schedule }, moduleTrainSchema, 'train');
  const doubled = optimizerSettings.filter((name) => options[name] !== undefined);
  if (doubled.length > 0)
    throw new ArgumentError(`${doubled.join(', ')}: an optimiser of your own has its own settings; give them to it.`);
  return parseConfig({ ...given, ...schedule }, moduleTrainSchema, 'train');
}

function optimizerOf<Net extends Module, Batch>(
  net: Net,
  { optimizer: make }: ModuleTrainerOptions<Net, Batch>,
  { optimizer, learningRate: lr, weightDecay, beta1, beta2, epsilon: eps }: ModuleTrainConfig,
): Optimizer {
  if (typeof make === 'function') {
    const made: unknown = make(net);
    if (!(made instanceof Optimizer))
      throw new ArgumentError(
        '`optimizer` must return an optimiser, such as new optim.SGD(net.parameters(), { lr: 0.1 }).',
      );
    const own = made as Optimizer;
    refuseForeign(own, net);
    return own;
  }
  const epsilonBeforeCorrection = optimizer === 'fairseq-adam';
  const groups = epsilonBeforeCorrection ? [{ params: net.parameters(), weightDecay }] : decayGroups(net, weightDecay);
  return new AdamW(groups, { lr, betas: [beta1, beta2], eps, epsilonBeforeCorrection });
}

/** @throws ArgumentError where an optimiser was made for another model: the training would change nothing */
function refuseForeign(optimizer: Optimizer, net: Module): void {
  const handles = [...net.parameters(), ...optimizer.parameters()].map(({ handle }) => handle);
  if (native.firstRepeated(handles) !== null) return;
  throw new ArgumentError(
    'The optimiser that `optimizer` returned has none of the parameters of the model: it would train another one.',
  );
}
