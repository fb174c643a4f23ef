/** Tensors as readable text. */
export { getPrintOptions, setPrintOptions, type PrintOptions } from './options';
export { describeTensor, printTensor } from './print';
