/**
 * Debian's archive through apt, for corpora that are in it: with the sources that the machine's apt knows and the signatures that it checks,
 * but with all files in a private folder, so that it takes no rights and changes nothing on the system.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { DataError } from '../../errors';
import { runProgram } from '../program';

/** An index file of the archive. */
export interface AptIndex {
  language: string;
  file: string;
}

export interface AptOptions {
  signal?: AbortSignal | undefined;
}

/** `$(NAME)` stands for itself: apt fills it in. */
const packagesIndex = `Packages {
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
  flatMetaKey "Packages";
  ShortDescription "Packages";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
};`;
const translationsIndex = `Translations {
  MetaKey "$(COMPONENT)/i18n/Translation-$(LANGUAGE)";
  flatMetaKey "$(LANGUAGE)";
  ShortDescription "Translation-$(LANGUAGE)";
  Description "$(RELEASE)/$(COMPONENT) Translation-$(LANGUAGE)";
};`;

/**
 * Lists that apt keeps by itself are cleared first: container images set the languages to none, desktops fetch more kinds of index, and
 * their hooks are for the system's own lists. Run by root, apt would fetch as a user who cannot write into the private folder.
 */
const settingsOf = (folder: string, languages: readonly string[], index: string) => `
#clear Acquire::Languages;
Acquire::Languages { ${languages.map((language) => `"${language}";`).join(' ')} };
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::${index}
Acquire::GzipIndexes "false";
Acquire::Retries "1";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
Dir::State::Lists "${folder}/lists";
Dir::Cache "${folder}/cache";
`;

/**
 * The descriptions of all packages in some languages, as Debian's releases on this machine's list of sources have them.
 * @param use is given the index files; they are gone afterwards
 */
export async function withTranslations<T>(
  languages: readonly string[],
  options: AptOptions,
  use: (indexes: AptIndex[]) => Promise<T>,
): Promise<T> {
  return withPrivateFolder(async (folder) => {
    const apt = await PrivateApt.create(folder, languages, translationsIndex, options);
    return use(await apt.indexes());
  });
}

/**
 * Debian packages, unpacked.
 * @param use is given the folders they are unpacked in, in order; they are gone afterwards
 */
export async function withPackages<T>(
  names: readonly string[],
  options: AptOptions,
  use: (folders: string[]) => Promise<T>,
): Promise<T> {
  return withPrivateFolder(async (folder) => {
    const apt = await PrivateApt.create(folder, ['none'], packagesIndex, options);
    const folders: string[] = [];
    for (const name of names) folders.push(await apt.unpack(name));
    return use(folders);
  });
}

async function withPrivateFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'torchwright-apt-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class PrivateApt {
  private constructor(
    private readonly folder: string,
    private readonly options: AptOptions,
    /** What apt said while it fetched its lists. */
    private said: string,
  ) {}

  static async create(
    folder: string,
    languages: readonly string[],
    index: string,
    options: AptOptions,
  ): Promise<PrivateApt> {
    for (const name of ['lists/partial', 'cache/archives/partial'])
      await mkdir(path.join(folder, name), { recursive: true });
    await writeFile(path.join(folder, 'apt.conf'), settingsOf(folder, languages, index));
    const apt = new PrivateApt(folder, options, '');
    // One source of many may fail; whether what is wanted came is seen afterwards.
    apt.said = (await apt.run('apt-get', ['update'])).output;
    return apt;
  }

  /** Those of Debian's own releases. */
  async indexes(): Promise<AptIndex[]> {
    const format = 'index|$(ORIGIN)|$(LANGUAGE)|$(FILENAME)';
    const { output } = await this.run('apt-get', ['indextargets', '--format', format]);
    const found = output.split('\n').flatMap((line) => {
      const [mark, origin, language = '', file = ''] = line.split('|');
      return mark === 'index' && origin === 'Debian' ? [{ language, file }] : [];
    });
    if (found.length === 0) throw fetchError('its sources gave no list of a Debian release', this.said);
    return found;
  }

  async unpack(name: string): Promise<string> {
    const folder = path.join(this.folder, name);
    await mkdir(path.join(folder, 'files'), { recursive: true });
    const { code, output } = await this.run('apt-get', ['download', name], folder);
    const file = (await readdir(folder)).find((entry) => entry.endsWith('.deb'));
    if (code !== 0 || file === undefined)
      throw fetchError(`it could not fetch the package ${name}`, `${this.said}\n${output}`);
    const unpacked = await this.run('dpkg-deb', ['-x', file, 'files'], folder);
    if (unpacked.code !== 0) throw fetchError(`the package ${name} could not be unpacked`, unpacked.output);
    return path.join(folder, 'files');
  }

  private async run(program: string, args: readonly string[], cwd = this.folder) {
    const settings = program === 'apt-get' ? ['-c', path.join(this.folder, 'apt.conf')] : [];
    const options = { signal: this.options.signal, cwd, keptCharacters: 100_000 };
    return runProgram(program, [...settings, ...args], options).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      throw new DataError(
        `${program} is not on the PATH: this corpus comes from Debian's archive; run this once on a Debian system or in a container of ` +
          'one with the same cache folder (TORCHWRIGHT_CACHE), or name files of pairs by their path instead',
        { cause },
      );
    });
  }
}

function fetchError(what: string, said: string): DataError {
  return new DataError(
    `apt could not give the corpus: ${what}; check the network, apt's proxy settings and that its sources name a Debian release ` +
      `(main), or name files of pairs by their path instead. apt said:\n${said.slice(-2000)}`,
  );
}
