import { Option, type Command } from 'commander';

import { initStudy, studyTasks, type StudyTask } from '../study/init';

/** Adds `init`, which needs no libtorch. */
export function addInit(program: Command): void {
  program
    .command('init')
    .description('write a commented study to begin with; it runs as it is')
    .argument('[file]', 'a new YAML file', 'study.yaml')
    .addOption(new Option('--task <task>', 'what it compares').choices(studyTasks).default('residual'))
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `
Examples:
  torchwright init
  torchwright init studies/wide.yaml --task language-model
  torchwright train study.yaml train.maxSteps=50`,
    )
    .action(async (file: string, { task, force }: { task: StudyTask; force?: boolean }) => {
      await initStudy(file, task, { force: force ?? false });
      console.log(`Wrote ${file}. What it costs: torchwright profile ${file}. To run it: torchwright compare ${file}`);
    });
}
