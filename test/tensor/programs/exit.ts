/** Exits while jobs are under way and tensors are alive, in the way named by the argument. */
import { torch } from '../../../lib/tensor';

const matrix = torch.randn([768, 768]);
for (let i = 0; i < 20; i++) void matrix.matmul(matrix).data();
process.stdout.write('started\n');
if (process.argv[2] === 'exit') process.exit(3);
if (process.argv[2] === 'throw') setImmediate(() => { throw new Error('on purpose'); }); // prettier-ignore
