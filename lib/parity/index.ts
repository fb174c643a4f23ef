/** Comparing what models compute with golden values: what the families' parity has in common. */
export {
  accuracyTolerance,
  difference,
  farthest,
  passes,
  tensorOf,
  worst,
  type Measurement,
  type ParityCase,
  type ParityDtype,
  type ParityPlace,
} from './measure';
