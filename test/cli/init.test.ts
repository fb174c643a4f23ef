import fs from 'node:fs';
import path from 'node:path';

import { Ajv } from 'ajv';
import { parse } from 'yaml';

import { main } from '../../lib/cli/main';
import { readStudy, trainStudy } from '../../lib/study';
import { studyTasks, type StudyTask } from '../../lib/study/init';
import { studyJsonSchema, type JsonSchema } from '../../scripts/study-schema';
import { writePairs } from '../study/pairs';
import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';

let cwd: string;
const home = process.cwd();
beforeAll(() => {
  cwd = fs.realpathSync(temporaryFolder());
  process.chdir(cwd);
});
afterAll(() => {
  process.chdir(home);
  fs.rmSync(cwd, { recursive: true });
});

async function init(...args: string[]): Promise<{ code: number; printed: string }> {
  let printed = '';
  const print = (text: unknown) => {
    printed += String(text);
  };
  const spies = [
    jest.spyOn(console, 'log').mockImplementation(print),
    jest.spyOn(console, 'error').mockImplementation(print),
  ];
  try {
    return { code: await main(['init', ...args]), printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** A study that `init` has just written, as text. */
async function written(task: StudyTask): Promise<string> {
  const file = `${task}.yaml`;
  expect(await init(file, '--task', task, '--force')).toMatchObject({ code: 0 });
  return fs.readFileSync(file, 'utf8');
}

describe('init', () => {
  test('writes study.yaml and says what comes next', async () => {
    const { code, printed } = await init();
    expect(code).toBe(0);
    expect(printed).toMatch(/^Wrote study\.yaml\. .*torchwright profile study\.yaml.*torchwright compare study\.yaml$/);
    expect(readStudy('study.yaml').name).toBe('study');
  });

  test('never replaces a file unless it is forced to', async () => {
    fs.writeFileSync('mine.yaml', 'mine\n');
    const refused = await init('mine.yaml');
    expect(refused).toMatchObject({
      code: 2,
      printed: expect.stringMatching(/mine\.yaml is there already; .*--force/),
    });
    expect(fs.readFileSync('mine.yaml', 'utf8')).toBe('mine\n');
    expect(await init('mine.yaml', '--force')).toMatchObject({ code: 0 });
    expect(readStudy('mine.yaml').name).toBe('mine');
  });

  test('makes the folder, and names the study by its file', async () => {
    expect(await init('deep/er/3.2.yml')).toMatchObject({ code: 0 });
    expect(readStudy('deep/er/3.2.yml').name).toBe('3.2');
    expect(fs.readdirSync('deep/er')).toEqual(['3.2.yml']);
    expect(await init('true.yaml')).toMatchObject({ code: 0 });
    expect(readStudy('true.yaml').name).toBe('true');
    expect(await init('my study.yaml')).toMatchObject({ code: 0 });
    expect(readStudy('my study.yaml').name).toBe('study');
  });

  test('names the schema where an editor finds it: the copy in the project, else the one at work', async () => {
    const schemaOf = (file: string) =>
      /^# yaml-language-server: \$schema=(.*)\n/.exec(fs.readFileSync(file, 'utf8'))?.[1];
    await init('alone.yaml');
    expect(schemaOf('alone.yaml')).toBe(path.resolve(__dirname, '../../dist/schemas/study.json'));
    fs.mkdirSync('project/node_modules/torchwright/dist/schemas', { recursive: true });
    fs.writeFileSync('project/node_modules/torchwright/dist/schemas/study.json', '{}');
    await init('project/studies/a.yaml');
    expect(schemaOf('project/studies/a.yaml')).toBe('../node_modules/torchwright/dist/schemas/study.json');
  });

  test.each([
    [['study.json'], /study\.json must be a YAML file/],
    [['x.yaml', '--task', 'speech'], /Allowed choices are residual, translation, language-model/],
  ])('%j is refused', async (args, message) => {
    const error = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const { code, printed } = await init(...args);
    const said = printed + error.mock.calls.map(([text]) => String(text)).join('');
    error.mockRestore();
    expect(code).toBe(2);
    expect(said).toMatch(message);
    expect(fs.existsSync(args[0]!)).toBe(false);
  });
});

describe('what it writes', () => {
  const small = ['train.maxSteps=2', 'train.evalEvery=2', 'train.loadBestModelAtEnd=false'];

  test.each(['residual', 'language-model'] as const)('trains: %s', async (task) => {
    await written(task);
    const corpus = writeCorpus(cwd);
    const overrides = [
      `data.corpus=${corpus}`,
      'data.validation=0.2',
      'data.tokenizer=bytes',
      'data.blockSize=32',
      ...small,
    ];
    if (task === 'language-model') overrides.push('contextWindow=16');
    const { folder } = await trainStudy(`${task}.yaml`, { overrides, cacheDir: path.join(cwd, 'cache') });
    expect(folder).toMatch(new RegExp(`^runs/${task}-`));
  });

  test('trains: translation', async () => {
    await written('translation');
    const corpus = JSON.stringify(writePairs(cwd));
    const data = [`data.corpus=${corpus}`, 'data.validation=2', 'data.test=2', 'data.vocabulary.bpe=300'];
    const overrides = [...data, ...small, 'models.Transformer.hiddenSize=32', 'decode.maxLengthB=5'];
    const { folder } = await trainStudy('translation.yaml', { overrides, cacheDir: path.join(cwd, 'cache') });
    expect(folder).toMatch(/^runs\/translation-/);
  });
});

/** The keys of a study's file are those of the schema, and say its defaults. */
const schema = studyJsonSchema();
const validate = new Ajv({ allowUnionTypes: true, strictTypes: false }).compile(schema);
describe.each(studyTasks)('the keys of a %s study', (task) => {
  const definitions = schema.definitions as Record<string, JsonSchema>;

  /** Keys that a beginner need not see, all in docs/delight.md. */
  const deliberatelyLeftOut: RegExp[] = [
    /^\$schema$/,
    /^sweep(\.|$)/, // a file with it is for the command sweep alone: docs/sweeps.md
    /^model\.attentionDropout$/, // nothing but 0 is supported
    /^models\.[^.]+\.(embedding|decoder|encoder|adaptiveInput|adaptiveSoftmax)\./,
    /^models\.[^.]+\.(embedding|norm|shuffle|define|finalNorm|scaleEmbedding|activationDropout|attentionDropout|tieWordEmbeddings)$/,
    /^models\.[^.]+\.(encoder|decoder|normalizeBefore|activation|positions|labelSmoothing|embeddingSize|shareEmbeddings)$/,
    /^models\.[^.]+\.((source|target)?VocabSize|vocabSize|(source|target|max(Source|Target))Positions|padTokenId|eosTokenId)$/,
    /^models\.[^.]+\.(max(Source|Target)Positions|maxPositionEmbeddings|adaptive(Input|Softmax))$/,
    /^learningRates\./,
    /^(train\.schedule|train\.saveEvery|model\.ropeScaling|data\.fields|data\.corpus|data\.validation|data\.test|data\.tokenizer)\./,
    /^model\.residual\./, // the same as in variants
  ];

  interface Key {
    path: string;
    default?: unknown;
  }

  /** All keys below a schema; a list's and a map's items count as `*`. */
  function keysOf(node: JsonSchema, prefix = ''): Key[] {
    const own = Object.entries(node.properties ?? {}).flatMap(([name, inner]) => [
      { path: `${prefix}${name}`, ...('default' in (inner as object) && { default: (inner as JsonSchema).default }) },
      ...keysOf(inner as JsonSchema, `${prefix}${name}.`),
    ]);
    const same = [...(node.anyOf ?? []), ...(node.oneOf ?? []), node.then, node.else].filter(
      (one) => typeof one === 'object',
    );
    const items = [node.items, node.additionalProperties].filter(
      (one) => typeof one === 'object' && !Array.isArray(one),
    );
    return [
      ...own,
      ...same.flatMap((one) => keysOf(one, prefix)),
      ...items.flatMap((one) => keysOf(one as JsonSchema, `${prefix}*.`)),
    ];
  }

  function pathsOf(value: unknown, prefix = ''): [string, unknown][] {
    if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${prefix}*.`));
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => {
      const name = prefix === 'models.' ? '*' : key;
      return [[`${prefix}${name}`, inner] as [string, unknown], ...pathsOf(inner, `${prefix}${name}.`)];
    });
  }

  /** The file with every key that is behind a `#` set. */
  const everything = (text: string) => text.replace(/^( *)# ( *)([a-z]\w*:( [^A-Z].*)?)$/gm, '$1$2$3');

  let text: string;
  beforeAll(async () => {
    text = await written(task);
  });

  test('are all there, or left out on purpose', () => {
    const mentioned = new Set(pathsOf(parse(everything(text), { uniqueKeys: false })).map(([name]) => name));
    const known = keysOf(definitions[task]!).map((key) => key.path);
    const missing = [...new Set(known)].filter(
      (name) => !mentioned.has(name) && !deliberatelyLeftOut.some((pattern) => pattern.test(name)),
    );
    expect(missing).toEqual([]);
  });

  test('are keys of the schema, and those behind a # are given their default where there is one', () => {
    const known = new Map<string, Key>();
    for (const key of keysOf(definitions[`${task}-part`]!)) known.set(key.path, { ...known.get(key.path), ...key });
    const set = new Set(pathsOf(parse(text)).map(([name]) => name));
    for (const [name, value] of pathsOf(parse(everything(text), { uniqueKeys: false }))) {
      const key =
        known.get(name) ?? (name === 'models.*' || name.startsWith('learningRates.') ? { path: name } : undefined);
      if (!key && /^(data|train|models\.\*)\.[^.]+\./.test(name) === false) throw new Error(`${name} is no key`);
      if (key && 'default' in key && !set.has(name)) expect([name, value]).toEqual([name, key.default]);
    }
  });

  test('fit the schema as they are, and with those behind a # each set alone', () => {
    expect([validate(parse(text)), validate.errors]).toEqual([true, null]);
    const hidden = [...text.matchAll(/^( *)# ([a-z]\w*: [^A-Z].*)$/gm)];
    expect(hidden.length).toBeGreaterThan(5);
    for (const { 0: line, 1: indent, 2: key, index } of hidden) {
      const changed = `${text.slice(0, index)}${indent}${key}${text.slice(index + line.length)}`;
      expect([key, validate(parse(changed)), validate.errors]).toEqual([key, true, null]);
    }
  });
});
