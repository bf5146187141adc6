/** The plugins of MachineLabs in JupyterLab. */
import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { gpu } from './gpu';
import { idle } from './idle';
import { labs } from './labs';
import { notices } from './notices';
import { packages } from './packages';
import { panel } from './panel';
import { publish } from './publish';
import { run } from './run';
import { saving } from './saving';
import { status } from './status';
import { update } from './update';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
const plugins: JupyterFrontEndPlugin<any>[] = [
  labs,
  panel,
  saving,
  publish,
  run,
  update,
  status,
  packages,
  idle,
  notices,
  gpu
];

export default plugins;
