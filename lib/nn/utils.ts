/** What PyTorch keeps in `nn.utils`: flat parameters, packed sequences, parametrisations. */
export { parametersToVector, vectorToParameters } from './module/vector';
export * as parametrizations from './parametrize/norms';
export * as parametrize from './parametrize/parametrize';
export * as rnn from './sequences/packed';
