/** NumPy's indexing: `x.at(...)`, `x.set(...)`, `slice`. */
import './methods';

export { slice, Slice, type Bound } from './slice';
export type { Index, IndexArray } from './words';
