/** A decoder layer's pass, replayed: each method goes through the steps of the native function of its name. */
import type { Held, Pass } from '../../memory';
import type { Sizes } from './sizes';

/** Folded weights of a layer, and what their gradients come from. */
export type FoldedName = 'qk' | 'v' | 'o' | 'gateUp' | 'down';

/** What later uses of a layer's probabilities leave for the backward pass of its own. */
interface Uses {
  count: number;
  held: Held[];
}

/** All layers of one pass. */
export class LayersReplay {
  readonly #uses: Uses[];
  readonly #sources: (Held[] | undefined)[] = [];
  readonly #outputs: Held[] = [];
  /** Gradients of folded weights, which wait until every layer has used them. */
  readonly #waiting = new Map<string, Held>();

  constructor(
    private readonly pass: Pass,
    private readonly sizes: Sizes,
    /** Whether each layer runs again in its backward pass. */
    private readonly checkpointing: boolean,
  ) {
    this.#uses = Array.from({ length: sizes.config.numHiddenLayers }, () => ({ count: 0, held: [] }));
  }

  /** Elements of a layer's folded weights. */
  folded(name: FoldedName): number {
    const { queries, keys, config } = this.sizes;
    const { hiddenSize: d, intermediateSize: ff } = config;
    return { qk: d * (queries + keys), v: d * keys, o: d * queries, gateUp: 2 * d * ff, down: d * ff }[name];
  }

  /** Adds to a gradient that waits. */
  private addWaiting(layer: number, name: FoldedName): void {
    const key = `${layer}.${name}`;
    const held = this.pass.hold(this.sizes.element * this.folded(name), 'gradients');
    if (this.#waiting.has(key)) this.pass.release(held);
    else this.#waiting.set(key, held);
  }

  /** The gradient that has waited. */
  takeWaiting(layer: number, name: FoldedName): Held | undefined {
    const key = `${layer}.${name}`;
    const held = this.#waiting.get(key);
    this.#waiting.delete(key);
    return held;
  }

  /** One layer. @returns its output; the input is the caller's */
  forward(layer: number): Held {
    const { residual } = this.sizes.config;
    if (residual.site !== 'none' && residual.source === 'stored') return this.mixStored(layer);
    return residual.site === 'mlp' ? this.mixMlp(layer) : this.mixAttention(layer);
  }

  /** Rows brought to unit length: kept for their own backward pass and for the products that read them. */
  private unit(): Held {
    return this.pass.hold(this.sizes.rows(this.sizes.config.hiddenSize));
  }

  /** Of the gradient of unit rows, that of the stream. */
  private unitBackward(unit: Held, gradient: Held): void {
    const { pass, sizes } = this;
    const product = pass.hold(sizes.rows(sizes.config.hiddenSize));
    pass.release(product);
    pass.release(pass.hold(sizes.stream), unit, gradient);
  }

  /** Queries, keys and what is kept of probabilities, of a layer. */
  private probabilities(layer: number): void {
    const { pass, sizes } = this;
    const { queries, keys } = sizes;
    const product = pass.hold(sizes.rows(queries + keys));
    if (this.#sources[layer]) {
      // Made in a first run, whose activations were dropped.
      pass.passing(sizes.rows(queries + keys));
      pass.release(product);
      return;
    }
    const source = [pass.hold(sizes.rows(queries)), pass.hold(sizes.rows(keys))];
    pass.release(product);
    if (sizes.inCache) source.push(pass.hold(sizes.rows(keys)));
    const keeps = sizes.isRecomputed(layer) ? sizes.keepsProbabilities : sizes.keepsOwn;
    if (keeps) source.push(pass.hold(sizes.probabilities));
    this.#sources[layer] = source;
  }

  /** Attention of `count` layers on one stream: outputs of all heads side by side, and the values that they are made of. */
  private heads(count: number): { outputs: Held; values: Held; weights: Held } {
    const { pass, sizes } = this;
    const { queries, keys } = sizes;
    const weights = pass.hold(sizes.element * count * this.folded('v'));
    const product = pass.hold(sizes.rows(count * keys));
    const values = pass.hold(sizes.rows(count * keys));
    const outputs = pass.hold(sizes.rows(count * queries));
    pass.passing(2 * sizes.scoreBlock);
    pass.release(product);
    pass.releaseUnlessRecorded(values, weights);
    return { outputs, values, weights };
  }

  /** The other way, of the layers from `first` on; `layer` is the one that reads. */
  private headsBackward(
    { outputs, values, weights }: { outputs: Held; values: Held; weights: Held },
    layer: number,
    [first, end]: [number, number],
    gradient: Held,
  ): void {
    const { pass, sizes } = this;
    const { queries, keys, config } = sizes;
    const count = end - first;
    pass.release(outputs);
    const dvalues = pass.hold(sizes.rows(count * keys));
    for (let j = first; j < end; j++) {
      const rows = pass.hold(sizes.rows(queries));
      const uses = this.#uses[j]!;
      pass.passing(2 * sizes.scoreBlock);
      if (j !== layer) {
        pass.passing(sizes.rows(keys));
        if (config.residual.detachProbs) pass.release(rows);
        else {
          uses.count++;
          uses.held.push(rows);
        }
        continue;
      }
      // The own use, after all others: one product over all of them.
      const of = uses.count + 1;
      const gradients = [pass.hold(sizes.rows(queries + 2 * keys))];
      if (of > 1 || sizes.inCache) gradients.push(pass.hold(sizes.rows(of * keys)));
      if (of > 1) gradients.push(pass.hold(sizes.rows(of * queries)));
      pass.passing(3 * sizes.scoreBlock);
      pass.release(rows, ...uses.held, ...gradients.slice(1));
      // Queries' and keys' gradients go on to the product that made them.
      this.projectionBackward(layer, gradients[0]!);
    }
    // Values stay where a layer before has yet to use them.
    if (count > 1 && !config.residual.detachProbs) this.#uses[first]!.held.push(values);
    else pass.release(values);
    pass.release(gradient);
    const dstream = pass.hold(sizes.rows(config.hiddenSize));
    const dweights = pass.hold(sizes.element * count * this.folded('v'), 'gradients');
    for (let j = first; j < end; j++) this.addWaiting(j, 'v');
    pass.release(dvalues, dweights, weights, dstream);
  }

  private projectionBackward(layer: number, gradients: Held): void {
    const { pass, sizes } = this;
    const turned = pass.hold(sizes.rows(sizes.queries + sizes.keys));
    pass.release(gradients, ...(this.#sources[layer] ?? []));
    const dstream = pass.hold(sizes.rows(sizes.config.hiddenSize));
    this.addWaiting(layer, 'qk');
    pass.release(turned, dstream);
  }

  /** The MLP of `layer` on a stream, up to its last product. */
  private activations(): { unit: Held; gateUp: Held; product: Held } {
    const { pass, sizes } = this;
    const { intermediateSize: ff } = sizes.config;
    const unit = this.unit();
    const gateUp = pass.hold(sizes.rows(2 * ff));
    pass.releaseUnlessRecorded(unit);
    const product = pass.hold(sizes.rows(ff));
    pass.releaseUnlessRecorded(gateUp);
    return { unit, gateUp, product };
  }

  private activationsBackward(
    layer: number,
    { unit, gateUp, product }: { unit: Held; gateUp: Held; product: Held },
    scaled: Held | undefined,
  ): void {
    const { pass, sizes } = this;
    const { hiddenSize: d, intermediateSize: ff } = sizes.config;
    const dproduct = pass.hold(sizes.rows(ff));
    if (scaled) pass.passing(sizes.element * this.folded('down'));
    this.addWaiting(layer, 'down');
    pass.release(product, scaled);
    const dgateUp = pass.hold(sizes.rows(2 * ff));
    pass.passing(sizes.rows(ff));
    pass.release(gateUp, dproduct);
    const dunit = pass.hold(sizes.rows(d));
    this.addWaiting(layer, 'gateUp');
    pass.release(dgateUp);
    this.unitBackward(unit, dunit);
  }

  /** `base` + a product of `features` features: a new stream. */
  private addLinear(): Held {
    const { pass, sizes } = this;
    const out = pass.hold(sizes.stream);
    if (sizes.element < 4) pass.passing(sizes.rows(sizes.config.hiddenSize));
    return out;
  }

  private scaledDown(layer: number): Held | undefined {
    return this.sizes.scales(layer) ? this.pass.hold(this.sizes.element * this.folded('down')) : undefined;
  }

  private mixAttention(layer: number): Held {
    const { pass, sizes } = this;
    const first = sizes.firstEarlier(layer);
    const count = layer + 1 - first;
    const unit = this.unit();
    this.probabilities(layer);
    const beside = pass.hold(sizes.element * count * this.folded('o'));
    if (sizes.scales(layer)) pass.passing(sizes.element * count * this.folded('o'));
    const heads = this.heads(count);
    const u = this.addLinear();
    pass.releaseUnlessRecorded(beside, heads.outputs);
    const inner = this.activations();
    const out = this.addLinear();
    pass.releaseUnlessRecorded(inner.product, unit, ...this.forgotten(layer));
    pass.release(u);
    pass.later(() => {
      const gradients = [pass.hold(sizes.stream)];
      this.activationsBackward(layer, inner, undefined);
      gradients.push(pass.hold(sizes.stream));
      const douts = pass.hold(sizes.rows(count * sizes.queries));
      const dbeside = pass.hold(sizes.element * count * this.folded('o'), 'gradients');
      for (let j = first; j <= layer; j++) this.addWaiting(j, 'o');
      pass.release(dbeside, beside);
      this.headsBackward(heads, layer, [first, layer + 1], douts);
      this.unitBackward(unit, pass.hold(sizes.rows(sizes.config.hiddenSize)));
      pass.release(...gradients);
    });
    return out;
  }

  private mixMlp(layer: number): Held {
    const { pass, sizes } = this;
    const first = sizes.firstEarlier(layer);
    const isMid = sizes.config.residual.input === 'mid' && first < layer;
    const unit = this.unit();
    this.probabilities(layer);
    const own = this.heads(isMid ? 1 : layer + 1 - first);
    const u = this.addLinear();
    const midUnit = isMid ? this.unit() : undefined;
    const earlier = isMid ? this.heads(layer - first) : undefined;
    let sum = u;
    const terms: { inner: ReturnType<LayersReplay['activations']>; scaled: Held | undefined }[] = [];
    for (let j = first; j <= layer; j++) {
      const stream = j === layer ? undefined : this.addLinear();
      const inner = this.activations();
      const scaled = this.scaledDown(layer);
      const next = this.addLinear();
      pass.release(stream);
      pass.releaseUnlessRecorded(inner.product, scaled);
      if (sum !== u) pass.release(sum);
      sum = next;
      terms.push({ inner, scaled });
    }
    pass.release(u);
    pass.releaseUnlessRecorded(own.outputs, earlier?.outputs, unit, midUnit, ...this.forgotten(layer));
    pass.later(() => {
      const gradients = [pass.hold(sizes.stream)];
      const slices: Held[] = [];
      for (let j = layer; j >= first; j--) {
        const { inner, scaled } = terms[j - first]!;
        this.activationsBackward(j, inner, scaled);
        if (j === layer) {
          gradients.push(pass.hold(sizes.stream));
        } else {
          pass.passing(sizes.stream);
          slices.push(pass.hold(sizes.rows(sizes.queries)));
          this.addWaiting(j, 'o');
        }
      }
      gradients.push(pass.hold(sizes.stream));
      if (earlier) {
        const douts = pass.hold(sizes.rows((layer - first) * sizes.queries));
        pass.release(...slices.splice(0));
        this.headsBackward(earlier, layer, [first, layer], douts);
        this.unitBackward(midUnit!, pass.hold(sizes.rows(sizes.config.hiddenSize)));
      }
      slices.push(pass.hold(sizes.rows(sizes.queries)));
      this.addWaiting(layer, 'o');
      const douts = pass.hold(sizes.rows((isMid ? 1 : layer + 1 - first) * sizes.queries));
      pass.release(...slices);
      this.headsBackward(own, layer, [isMid ? layer : first, layer + 1], douts);
      this.unitBackward(unit, pass.hold(sizes.rows(sizes.config.hiddenSize)));
      pass.release(...gradients);
    });
    return sum;
  }

  private mixStored(layer: number): Held {
    const { pass, sizes } = this;
    const first = sizes.firstEarlier(layer);
    const isAttention = sizes.config.residual.site === 'attention';
    const unit = this.unit();
    this.probabilities(layer);
    const heads = this.heads(1);
    const attended = pass.hold(sizes.rows(sizes.config.hiddenSize));
    pass.releaseUnlessRecorded(...this.forgotten(layer), heads.outputs);
    const mixed = (): Held => {
      let sum = pass.hold(sizes.stream);
      for (let j = first; j < layer; j++) {
        if (sizes.scales(layer)) pass.passing(sizes.rows(sizes.config.hiddenSize));
        const next = pass.hold(sizes.stream);
        pass.release(sum);
        sum = next;
      }
      return sum;
    };
    const u = isAttention ? mixed() : pass.hold(sizes.stream);
    const inner = this.activations();
    const fed = pass.hold(sizes.rows(sizes.config.hiddenSize));
    pass.releaseUnlessRecorded(inner.product, unit);
    const out = isAttention ? pass.hold(sizes.stream) : mixed();
    pass.release(u, isAttention ? fed : attended);
    this.#outputs[layer] = isAttention ? attended : fed;
    // Learned weights have gradients, which need the outputs; else these are there for the layers to come only.
    if (!this.pass.recording || sizes.config.residual.weights !== 'learned') this.dropOutputs(layer);
    pass.later(() => {
      const gradients = [pass.hold(sizes.stream), pass.hold(2 * sizes.rows(sizes.config.hiddenSize))];
      this.activationsBackward(layer, inner, undefined);
      const douts = pass.hold(sizes.rows(sizes.queries));
      this.addWaiting(layer, 'o');
      this.headsBackward(heads, layer, [layer, layer + 1], douts);
      this.unitBackward(unit, pass.hold(sizes.rows(sizes.config.hiddenSize)));
      pass.release(...gradients, this.#outputs[layer]);
    });
    return out;
  }

  /** Stored outputs that no layer reads after this one. */
  private dropOutputs(layer: number): void {
    const next = layer + 1 < this.sizes.config.numHiddenLayers ? this.sizes.firstEarlier(layer + 1) : layer + 1;
    this.pass.release(...this.#outputs.slice(0, next));
  }

  /** What is given back after a layer where nothing is kept for a backward pass: probabilities that no later layer reads. */
  private forgotten(layer: number): Held[] {
    const { pass, sizes } = this;
    const isRecomputed = sizes.isRecomputed(layer);
    if (this.checkpointing) {
      if (isRecomputed || pass.recording) return [];
      const own = this.#sources[layer] ?? [];
      this.#sources[layer] = undefined;
      return own;
    }
    const next = layer + 1 < sizes.config.numHiddenLayers ? sizes.firstEarlier(layer + 1) : layer + 1;
    return this.#sources.slice(0, isRecomputed ? next : layer + 1).flatMap((source) => source ?? []);
  }
}
