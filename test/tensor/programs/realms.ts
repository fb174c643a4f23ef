/** Makes and forgets realms whose finalisers have work to do, then forgets tensors: prints how many are left. */
import { setImmediate as turn } from 'node:timers/promises';
import vm from 'node:vm';

import { torch } from '../../../lib/tensor';
import { collectGarbage, gc } from '../garbage';

async function main(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    let realm: vm.Context | undefined = vm.createContext({});
    vm.runInContext('r = new FinalizationRegistry(() => {}); for (let i = 0; i < 50; i++) r.register({}, i);', realm);
    gc(); // finds the realm's work,
    realm = undefined;
    gc(); // and this takes the realm away before it is done
    await turn();
  }
  const before = torch.memory().tensors;
  (() => {
    for (let i = 0; i < 320; i++) torch.ones([1]);
  })();
  await collectGarbage();
  console.log(torch.memory().tensors - before < 64 ? 'freed' : 'left');
}

void main();
